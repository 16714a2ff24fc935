import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CODE, EVENT } from '../src/index.js';
import { advice } from '../src/protocol.js';
import { Gateway, userID } from './gateway.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([
  [undefined, undefined], [0, undefined], [1006, undefined], [3999, undefined], [4000, 'retry'], [4099, 'retry'],
  [4100, 'login'], [4199, 'login'], [4200, 'stop'], [4299, 'stop'], [4300, 'fix'], [4399, 'fix'], [4400, undefined],
])('the range of %s says %s', (refusal, want) => expect(advice(refusal)).toBe(want));

describe('a login', () => {
  test.each([4003, 4004, 4006, 4098])('refused with %i is tried again with the same UserSig', async (refusal) => {
    const g = new Gateway();
    const login = g.client().login({ userID, userSig: 'sig-1' });
    g.last.open().refuse('login', refusal);
    expect(g.sockets[0]?.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(500);
    expect(g.sockets).toHaveLength(2);
    expect(g.last.welcome({ Sequence: 7, Reload: true }).UserSig).toBe('sig-1');
    g.last.page(7, []);
    await login;
  });

  test('waits at least as long as the server says', async () => {
    const g = new Gateway();
    void g.client().login({ userID, userSig: 'sig-1' });
    g.last.open().refuse('login', 4007, 70050, 20_000);
    await vi.advanceTimersByTimeAsync(19_999);
    expect(g.sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(501);
    expect(g.sockets).toHaveLength(2);
  });

  test.each([4100, 4101, 4102, 4199, 4201, 4202, 4205, 4206, 4299])('refused with %i is rejected', async (refusal) => {
    const g = new Gateway();
    const chat = g.client();
    const kicked = vi.fn();
    chat.on(EVENT.KICKED_OUT, kicked);
    const login = chat.login({ userID, userSig: 'sig-1' });
    g.last.open().refuse('login', refusal, 70001);
    await expect(login).rejects.toMatchObject({ name: 'KithError', code: 70001, refusal, message: `refused with ${refusal}` });
    expect(kicked).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that does not succeed in time is rejected with the last reason', async () => {
    const g = new Gateway();
    const login = g.client({ timeout: 5000 }).login({ userID, userSig: 'sig-1' });
    const rejected = expect(login).rejects.toMatchObject({
      code: CODE.TIMEOUT, refusal: 4006, cause: { code: 1, message: 'refused with 4006' },
    });
    g.last.open().refuse('login', 4006, 1, 60_000);
    await vi.advanceTimersByTimeAsync(5000);
    await rejected;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of the same user joins the one under way, of another is rejected', async () => {
    const g = new Gateway();
    const chat = g.client();
    const logins = [chat.login({ userID, userSig: 'sig-1' }), chat.login({ userID, userSig: 'sig-1' })];
    await expect(chat.login({ userID: 'rob', userSig: 'sig' })).rejects.toMatchObject({ code: CODE.REPEAT_LOGIN });
    g.last.welcome({ Sequence: 7, Reload: true });
    g.last.page(7, []);
    await Promise.all(logins);
    const again = chat.login({ userID, userSig: 'sig-2' });
    expect(g.last.answer('session.renew', { ExpireTime: 1 })).toEqual({ UserSig: 'sig-2' });
    expect((await again).data.repeatLogin).toBe(true);
    expect(g.sockets).toHaveLength(1);
  });

  test.each([
    [{ userID: '', userSig: 'x' }, CODE.NO_IDENTIFIER],
    [{ userID: 'mira' }, CODE.NO_USERSIG],
    [{ userID: 'mira', userSig: '' }, CODE.NO_USERSIG],
  ])('with %o is rejected before anything is sent', async (options, code) => {
    const g = new Gateway();
    await expect(g.client().login(options)).rejects.toMatchObject({ code });
    expect(g.sockets).toHaveLength(0);
  });
});

describe('a call', () => {
  test.each([4004, 4005, 4090])('refused with %i is made again after a pause, before the next', async (refusal) => {
    const g = new Gateway();
    const { chat, socket } = await g.ready();
    const first = chat.addToBlacklist({ userIDList: ['a'] });
    const second = chat.removeFromBlacklist({ userIDList: ['a'] });
    socket.refuse('blocklist.add', refusal, 60007, 3000);
    await vi.advanceTimersByTimeAsync(2999);
    expect(socket.frames).toEqual([]);
    await vi.advanceTimersByTimeAsync(501);
    socket.done('blocklist.add');
    expect((await first).data).toEqual(['a']);
    socket.done('blocklist.remove');
    expect((await second).data).toEqual(['a']);
  });

  test.each([4300, 4301, 4399, 4400])('refused with %i is rejected, and the session goes on', async (refusal) => {
    const g = new Gateway();
    const { chat, socket } = await g.ready();
    const first = chat.addToBlacklist({ userIDList: ['a'] });
    const second = chat.addToBlacklist({ userIDList: ['b'] });
    socket.refuse('blocklist.add', refusal, 30001);
    await expect(first).rejects.toMatchObject({ name: 'KithError', code: 30001, refusal });
    socket.done('blocklist.add');
    expect((await second).data).toEqual(['b']);
  });

  test('refused with 42xx ends the session', async () => {
    const g = new Gateway();
    const { chat, socket } = await g.ready();
    const kicked = vi.fn();
    chat.on(EVENT.KICKED_OUT, kicked);
    const call = chat.addToBlacklist({ userIDList: ['a'] });
    socket.refuse('blocklist.add', 4204, 30003);
    await expect(call).rejects.toMatchObject({ code: CODE.KICKED_OUT, refusal: 4204, cause: { code: 30003 } });
    expect(kicked).toHaveBeenCalledTimes(1);
    await expect(chat.getBlacklist()).rejects.toMatchObject({ code: CODE.USER_NOT_LOGGED_IN });
  });

  test('refused with 41xx is made again after the next login', async () => {
    const g = new Gateway();
    const { chat, socket } = await g.ready([], { getUserSig: async () => 'sig-2' });
    const call = chat.addToBlacklist({ userIDList: ['a'] });
    socket.refuse('blocklist.add', 4100, 70001);
    await vi.advanceTimersByTimeAsync(0);
    expect(g.last.welcome(Gateway.nothingNew()).UserSig).toBe('sig-2');
    g.last.done('blocklist.add');
    expect((await call).data).toEqual(['a']);
  });

  test.each([undefined, [], ['a', 7], 'a', Array(1001).fill('a')])('with the list %# is rejected unsent', async (userIDList) => {
    const g = new Gateway();
    const { chat, socket } = await g.ready();
    const call = chat.addToBlacklist({ userIDList: userIDList as string[] });
    await expect(call).rejects.toMatchObject({ name: 'KithError', code: CODE.INVALID_PARAMETER });
    expect(socket.frames).toEqual([]);
  });

  test('larger than the server reads is rejected, and the next is made', async () => {
    const g = new Gateway();
    const { chat, socket } = await g.ready();
    const large = chat.addToBlacklist({ userIDList: ['é'.repeat(65_536)] });
    const small = chat.addToBlacklist({ userIDList: ['a'] });
    await expect(large).rejects.toMatchObject({ code: CODE.FRAME_TOO_LARGE });
    socket.done('blocklist.add');
    expect((await small).data).toEqual(['a']);
  });

  test('tells the outcome of each account', async () => {
    const g = new Gateway();
    const { chat, socket } = await g.ready();
    const call = chat.addToBlacklist({ userIDList: ['rob', 'nobody', 'old'] });
    socket.done('blocklist.add', {
      nobody: [30003, 'Err_SNS_BlackListAdd_Account_Not_Exist'], old: [30001, 'Err_SNS_BlackListAdd_Already_Exist'],
    });
    expect(await call).toEqual({
      code: 0,
      data: ['rob'],
      results: [
        { userID: 'rob', code: 0, info: '' },
        { userID: 'nobody', code: 30003, info: 'Err_SNS_BlackListAdd_Account_Not_Exist' },
        { userID: 'old', code: 30001, info: 'Err_SNS_BlackListAdd_Already_Exist' },
      ],
    });
  });
});

test.each([
  [{ SDKAppID: 0 }, CODE.NO_SDKAPPID], [{ SDKAppID: 1.5 }, CODE.NO_SDKAPPID], [{ url: 'ftp://x' }, CODE.INVALID_PARAMETER],
  [{ url: '' }, CODE.INVALID_PARAMETER], [{ timeout: 0 }, CODE.INVALID_PARAMETER], [{ queueLimit: -1 }, CODE.INVALID_PARAMETER],
])('create throws for %o', (options, code) => {
  expect(() => new Gateway().client(options)).toThrowError(expect.objectContaining({ name: 'KithError', code }));
});
