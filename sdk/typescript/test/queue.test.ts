import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CODE } from '../src/index.js';
import { Gateway, userID } from './gateway.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ids = (...userIDList: string[]): { userIDList: string[] } => ({ userIDList });

/** Brings a client whose connection was lost back online. */
async function resume(g: Gateway, sequence = 7): Promise<void> {
  await vi.advanceTimersByTimeAsync(1000);
  g.last.welcome(Gateway.nothingNew(sequence));
}

test('calls are made one after another, in their order', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const order: string[] = [];
  void chat.addToBlacklist(ids('a')).then(() => order.push('add'));
  void chat.removeFromBlacklist(ids('a')).then(() => order.push('remove'));
  const last = chat.addToBlacklist(ids('b'));
  expect(socket.frames).toHaveLength(1);
  socket.done('blocklist.add');
  expect(socket.frames).toHaveLength(1);
  socket.done('blocklist.remove');
  socket.done('blocklist.add');
  await last;
  expect(order).toEqual(['add', 'remove']);
});

test('calls made offline are kept in order and sent after the resume', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  socket.end();
  const targets = ['a', 'b', 'c'];
  const calls = targets.map((id) => chat.addToBlacklist(ids(id)));
  expect(socket.frames).toEqual([]);
  await resume(g);
  expect(targets.map(() => g.last.done('blocklist.add'))).toEqual([['a'], ['b'], ['c']]);
  expect((await Promise.all(calls)).map((c) => c.data)).toEqual([['a'], ['b'], ['c']]);
});

test('calls made during the first login wait for it', async () => {
  const g = new Gateway();
  const chat = g.client();
  void chat.login({ userID, userSig: 'sig-1' });
  const [call, list] = [chat.addToBlacklist(ids('b')), chat.getBlacklist()];
  g.last.welcome({ Sequence: 7, Reload: true });
  expect(g.last.frames.map((f) => f.method)).toEqual(['blocklist.get']);
  g.last.page(7, ['a']);
  g.last.done('blocklist.add');
  expect((await call).data).toEqual(['b']);
  expect((await list).data).toEqual(['a']);
});

test('no more calls wait than the limit', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready([], { queueLimit: 2 });
  socket.end();
  const kept = [chat.addToBlacklist(ids('a')), chat.addToBlacklist(ids('b'))];
  await expect(chat.addToBlacklist(ids('c'))).rejects.toMatchObject({ code: CODE.QUEUE_FULL });
  await resume(g);
  g.last.done('blocklist.add');
  g.last.done('blocklist.add');
  await Promise.all(kept);
  expect(g.last.frames).toEqual([]);
});

test('a call that waits too long is rejected and not sent', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready([], { timeout: 3000 });
  vi.spyOn(Math, 'random').mockReturnValue(0.99);
  socket.end();
  const late = expect(chat.addToBlacklist(ids('a'))).rejects.toMatchObject({ name: 'KithError', code: CODE.TIMEOUT });
  await vi.advanceTimersByTimeAsync(2000);
  const kept = chat.addToBlacklist(ids('b'));
  await vi.advanceTimersByTimeAsync(1000);
  await late;
  g.last.welcome(Gateway.nothingNew());
  expect(g.last.done('blocklist.add')).toEqual(['b']);
  await kept;
});

test('a call times out after 60 seconds unless the app says otherwise', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  socket.end();
  const settled = vi.fn();
  chat.addToBlacklist(ids('a')).catch(settled);
  await vi.advanceTimersByTimeAsync(59_999);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(settled.mock.calls).toMatchObject([[{ code: CODE.TIMEOUT }]]);
});

test('an answer to a call that timed out goes to nobody else', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready([], { timeout: 3000 });
  const late = expect(chat.addToBlacklist(ids('a'))).rejects.toMatchObject({ code: CODE.TIMEOUT });
  await vi.advanceTimersByTimeAsync(2000);
  const kept = chat.addToBlacklist(ids('b'));
  await vi.advanceTimersByTimeAsync(1000);
  await late;
  socket.done('blocklist.add');
  expect(socket.done('blocklist.add')).toEqual(['b']);
  expect((await kept).data).toEqual(['b']);
});

test('a call lost in the midst is sent again, and what it did the first time counts', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const add = chat.addToBlacklist(ids('a', 'self', 'b'));
  expect(socket.take('blocklist.add').params).toEqual({ To_Account: ['a', 'self', 'b'] });
  socket.end();
  await resume(g, 7);
  g.last.done('blocklist.add', {
    a: [30001, 'Err_SNS_BlackListAdd_Already_Exist'], self: [30001, 'Err_SNS_BlackListAdd_Self'],
  });
  expect(await add).toEqual({
    code: 0,
    data: ['a', 'b'],
    results: [
      { userID: 'a', code: 0, info: '' },
      { userID: 'self', code: 30001, info: 'Err_SNS_BlackListAdd_Self' },
      { userID: 'b', code: 0, info: '' },
    ],
  });
  const remove = chat.removeFromBlacklist(ids('a'));
  g.last.take('blocklist.remove');
  g.last.end();
  await resume(g, 7);
  g.last.done('blocklist.remove', { a: [30001, 'Err_SNS_BlackListDelete_Not_Exist'] });
  expect((await remove).data).toEqual(['a']);
});

test('a call that was never sent before keeps its codes', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  socket.end();
  const add = chat.addToBlacklist(ids('a'));
  await resume(g);
  g.last.done('blocklist.add', { a: [30001, 'Err_SNS_BlackListAdd_Already_Exist'] });
  expect((await add).results).toEqual([{ userID: 'a', code: 30001, info: 'Err_SNS_BlackListAdd_Already_Exist' }]);
});

test('what the caller does to its array afterwards does not matter', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  socket.end();
  const mine = ['a'];
  const add = chat.addToBlacklist({ userIDList: mine });
  mine.push('b');
  await resume(g);
  expect(g.last.done('blocklist.add')).toEqual(['a']);
  await add;
});

test.each([
  ['logout', CODE.LOGGED_OUT], ['kick', CODE.KICKED_OUT], ['destroy', CODE.DESTROYED],
])('calls that wait are rejected at %s', async (end, code) => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const calls = ['a', 'b'].map((id) => chat.addToBlacklist(ids(id)));
  if (end === 'logout') void chat.logout();
  else if (end === 'destroy') void chat.destroy();
  else socket.end(4200);
  for (const call of calls) await expect(call).rejects.toMatchObject({ name: 'KithError', code });
  if (end !== 'kick') {
    expect(socket.frames.map((f) => f.method)).toEqual(['blocklist.add', 'logout']);
    socket.end(1000);
  }
  expect(vi.getTimerCount()).toBe(0);
});

test.each(['logout', 'destroy'] as const)('a %s resolves though the server is silent', async (end) => {
  const g = new Gateway();
  const { chat } = await g.ready();
  const ended = chat[end]();
  await vi.advanceTimersByTimeAsync(10_000);
  await ended;
  expect(g.last.closed).toBe(true);
});

test.each(['logout', 'destroy'] as const)('a %s during the login rejects the login', async (end) => {
  const g = new Gateway();
  const chat = g.client();
  const login = chat.login({ userID, userSig: 'sig-1' });
  const ended = chat[end]();
  await expect(login).rejects.toMatchObject({ code: end === 'logout' ? CODE.LOGGED_OUT : CODE.DESTROYED });
  await ended;
  expect(g.last.closed).toBe(true);
});

test('without a login every call is rejected at once', async () => {
  const chat = new Gateway().client();
  const rejection = { name: 'KithError', code: CODE.USER_NOT_LOGGED_IN };
  await expect(chat.addToBlacklist(ids('a'))).rejects.toMatchObject(rejection);
  await expect(chat.removeFromBlacklist(ids('a'))).rejects.toMatchObject(rejection);
  await expect(chat.getBlacklist()).rejects.toMatchObject(rejection);
  await expect(chat.renewUserSig({ userSig: 'x' })).rejects.toMatchObject(rejection);
});

test('the list is read from the copy at once, offline too', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a', 'b']);
  socket.end();
  const { data } = await chat.getBlacklist();
  expect(data).toEqual(['a', 'b']);
  data.pop();
  expect((await chat.getBlacklist()).data).toEqual(['a', 'b']);
});
