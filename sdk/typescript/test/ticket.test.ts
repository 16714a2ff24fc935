import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CODE, EVENT, KithError, TYPES } from '../src/index.js';
import { Gateway, userID } from './gateway.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const kicked = (spy: ReturnType<typeof vi.fn>): unknown => spy.mock.calls.map(([event]) => event.data.type);

test('a login without a userSig gets one', async () => {
  const g = new Gateway();
  const login = g.client({ getUserSig: async () => 'sig-9' }).login({ userID });
  await vi.advanceTimersByTimeAsync(0);
  expect(g.last.welcome({ Sequence: 7, Reload: true }).UserSig).toBe('sig-9');
  g.last.page(7, []);
  await login;
});

test('a login with an old userSig gets a new one', async () => {
  const g = new Gateway();
  const login = g.client({ getUserSig: async () => 'sig-2' }).login({ userID, userSig: 'old' });
  g.last.open().refuse('login', 4100, 70001);
  await vi.advanceTimersByTimeAsync(0);
  expect(g.last.welcome({ Sequence: 7, Reload: true }).UserSig).toBe('sig-2');
  g.last.page(7, []);
  await login;
});

test.each([4100, 4101, 4102])('a session closed with %i goes on with a new userSig, and its calls too', async (code) => {
  const g = new Gateway();
  const { chat, socket } = await g.ready([], { getUserSig: async () => 'sig-2' });
  const out = vi.fn();
  chat.on(EVENT.KICKED_OUT, out);
  const call = chat.addToBlacklist({ userIDList: ['a'] });
  socket.end(code);
  await vi.advanceTimersByTimeAsync(0);
  expect(g.last.welcome(Gateway.nothingNew()).UserSig).toBe('sig-2');
  g.last.done('blocklist.add');
  await call;
  expect(out).not.toHaveBeenCalled();
});

test('an empty userSig ends the session', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready([], { getUserSig: async () => '' });
  const out = vi.fn();
  chat.on(EVENT.KICKED_OUT, out);
  socket.end(4101);
  await vi.advanceTimersByTimeAsync(0);
  expect(kicked(out)).toEqual([TYPES.KICKED_OUT_REST_API]);
  const login = chat.login({ userID });
  await expect(login).rejects.toMatchObject({ code: CODE.NO_USERSIG });
});

test('new userSigs that are refused as old come to an end, with pauses', async () => {
  const g = new Gateway();
  const getUserSig = vi.fn(async () => 'bad');
  const { chat, socket } = await g.ready([], { getUserSig });
  const out = vi.fn();
  chat.on(EVENT.KICKED_OUT, out);
  socket.end(4100);
  for (let i = 0; i < 2; i++) {
    await vi.advanceTimersByTimeAsync(1000);
    g.last.open().refuse('login', 4102, 70009);
  }
  expect(kicked(out)).toEqual([TYPES.KICKED_OUT_USERSIG_EXPIRED]);
  expect(getUserSig).toHaveBeenCalledTimes(2);
  expect(vi.getTimerCount()).toBe(0);
});

test('a getUserSig that fails, or never answers, is told as an error and asked again', async () => {
  const g = new Gateway();
  const failure = new Error('the backend is down');
  const getUserSig = vi.fn<() => Promise<string>>()
    .mockRejectedValueOnce(failure).mockReturnValueOnce(new Promise(() => {}))
    .mockResolvedValueOnce(7 as never).mockResolvedValue('sig-2');
  const { chat, socket } = await g.ready([], { getUserSig });
  const errors: KithError[] = [];
  chat.on(EVENT.ERROR, ({ data }) => errors.push(data));
  socket.end(4100, 'expired');
  await vi.advanceTimersByTimeAsync(40_000);
  expect(errors.map((e) => e.code)).toEqual([4100, CODE.NO_USERSIG, CODE.NO_USERSIG, CODE.NO_USERSIG]);
  expect(errors[1]?.cause).toBe(failure);
  expect(g.last.open().take('login').params.UserSig).toBe('sig-2');
});

test('an expiring userSig is renewed, again after a failure, and used for the next login', async () => {
  const g = new Gateway();
  const getUserSig = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error('down')).mockResolvedValue('sig-2');
  const { chat, socket } = await g.ready([], { getUserSig });
  const told = vi.fn();
  chat.on(EVENT.USERSIG_EXPIRING, told);
  chat.on(EVENT.ERROR, told);
  socket.notify('session.expiring', { ExpireTime: 1767312000 });
  await vi.advanceTimersByTimeAsync(1500);
  expect(socket.answer('session.renew', { ExpireTime: 1767398400 })).toEqual({ UserSig: 'sig-2' });
  await vi.advanceTimersByTimeAsync(0);
  expect(told.mock.calls.map(([event]) => event.name)).toEqual([EVENT.USERSIG_EXPIRING, EVENT.ERROR]);
  socket.end();
  await vi.advanceTimersByTimeAsync(500);
  expect(g.last.open().take('login').params.UserSig).toBe('sig-2');
});

test('a renewal that is refused rejects the call and leaves the session', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const renewal = chat.renewUserSig({ userSig: 'for somebody else' });
  socket.refuse('session.renew', 4201, 70013);
  await expect(renewal).rejects.toMatchObject({ code: 70013, refusal: 4201 });
  expect(chat.isReady()).toBe(true);
  socket.end();
  await vi.advanceTimersByTimeAsync(500);
  expect(g.last.open().take('login').params.UserSig).toBe('sig-1');
});

test('no timer is left after a session that was about to renew', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready([], { getUserSig: () => Promise.reject(new Error('down')) });
  socket.notify('session.expiring', { ExpireTime: 1 });
  await vi.advanceTimersByTimeAsync(0);
  void chat.destroy();
  socket.end();
  expect(vi.getTimerCount()).toBe(0);
});
