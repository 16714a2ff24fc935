import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Chat } from '../src/index.js';
import { EVENT } from '../src/index.js';
import { change, Gateway, userID } from './gateway.js';
import type { Socket } from './gateway.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The lists of all BLACKLIST_UPDATED from now on. */
function updates(chat: Chat): string[][] {
  const lists: string[][] = [];
  chat.on(EVENT.BLACKLIST_UPDATED, ({ data }) => lists.push(data));
  return lists;
}

async function reconnect(g: Gateway, socket: Socket, news: object): Promise<Record<string, unknown>> {
  socket.end();
  await vi.advanceTimersByTimeAsync(1000);
  return g.last.welcome(news);
}

test('a resume names where the copy stands and applies what was missed', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['rob', 'spam-9']);
  const lists = updates(chat);
  const params = await reconnect(g, socket, {
    Sequence: 9, Reload: false, Changes: [change(8, ['troll_77']), change(9, [], ['spam-9'])],
  });
  expect(params.Blocklist).toEqual({ List: '2s', Sequence: 7 });
  expect(lists).toEqual([['rob', 'troll_77']]);
  expect((await reconnect(g, g.last, Gateway.nothingNew(9))).Blocklist).toEqual({ List: '2s', Sequence: 9 });
  expect(lists).toHaveLength(1);
});

test('a change that is had already is ignored', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const lists = updates(chat);
  socket.change(8, ['b']);
  socket.change(8, [], ['a']);
  socket.change(7, [], ['a']);
  expect(lists).toEqual([['a', 'b']]);
});

test('a change that leaves the list as it is, is not told', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const lists = updates(chat);
  socket.notify('blocklist.changed', { Sequence: 8, Added: null, Removed: null });
  socket.change(9, ['b']);
  expect(lists).toEqual([['a', 'b']]);
});

test('after a gap the list is read anew', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const lists = updates(chat);
  socket.change(9, ['c']);
  expect(lists).toEqual([]);
  expect(socket.page(9, ['b', 'c'])).toEqual({ Cursor: '', Limit: 1000 });
  expect(lists).toEqual([['b', 'c']]);
  socket.change(10, ['d']);
  expect(lists[1]).toEqual(['b', 'c', 'd']);
});

test('a gap within the news of a login makes the client read anew', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const lists = updates(chat);
  await reconnect(g, socket, { Sequence: 9, Reload: false, Changes: [change(9, ['c'])] });
  g.last.page(9, ['b', 'c']);
  expect(lists).toEqual([['b', 'c']]);
});

test('another list, or a reload at the login, replaces the copy', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const lists = updates(chat);
  await reconnect(g, socket, { List: '3x', Sequence: 1, Reload: false, Changes: [] });
  g.last.page(1, ['z'], '', '3x');
  expect(lists).toEqual([['z']]);
  await reconnect(g, g.last, { List: '3x', Sequence: 5000, Reload: true, Changes: null });
  g.last.page(5000, ['y'], '', '3x');
  expect(lists[1]).toEqual(['y']);
});

test('pages and the changes between them make one list, in the server\'s order', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const lists = updates(chat);
  socket.notify('blocklist.reload', { List: '2s', Sequence: 20 });
  socket.page(20, ['a', 'b'], 'page-2');
  socket.change(21, [], ['a']);
  socket.change(22, ['a']); // now after d
  socket.change(23, ['e']);
  expect(socket.page(22, ['c', 'd', 'a'])).toEqual({ Cursor: 'page-2', Limit: 1000 });
  expect(lists).toEqual([['b', 'c', 'd', 'a', 'e']]);
});

test('a list read in pages is shown when the changes up to the last page are there', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['old']);
  const lists = updates(chat);
  socket.notify('blocklist.reload', { List: '2s', Sequence: 20 });
  socket.page(20, ['a'], 'more');
  socket.page(22, ['c', 'd']);
  socket.change(21, ['c'], ['a']);
  expect(lists).toEqual([]);
  socket.change(22, ['d']);
  expect(lists).toEqual([['c', 'd']]);
  expect(vi.getTimerCount()).toBe(1); // the heartbeat
});

test('changes of before the first page are not applied again', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const lists = updates(chat);
  socket.change(9, ['b']); // 8 is missing
  socket.change(10, [], ['b']);
  socket.page(11, ['a', 'c']); // 11 added c
  socket.change(11, ['c']);
  socket.change(12, [], ['a']);
  expect(lists).toEqual([['a', 'c'], ['c']]);
});

test.each([
  ['a reload comes', (s: Socket) => s.notify('blocklist.reload', { List: '2s', Sequence: 30 })],
  ['a page is of another list', (s: Socket) => s.page(30, ['x'], '', '9z')],
  ['the cursor is refused', (s: Socket) => s.refuse('blocklist.get', 4300, 30001)],
  ['a change is missing', (s: Socket) => { s.change(22, ['x']); s.page(22, ['x']); }],
  ['the changes do not come', (s: Socket) => { s.page(22, ['x']); vi.advanceTimersByTime(10_000); }],
])('a reading begins anew when %s', async (_, happen) => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const lists = updates(chat);
  socket.notify('blocklist.reload', { List: '2s', Sequence: 20 });
  socket.page(20, ['b'], 'more');
  happen(socket);
  // The page that the old reading asked for may still be answered.
  if (socket.frames.length > 1) socket.page(30, ['stale']);
  socket.page(30, ['c', 'd']);
  expect(lists).toEqual([['c', 'd']]);
});

test('a reading that never succeeds makes the client connect anew', async () => {
  const g = new Gateway();
  const { socket } = await g.ready(['a']);
  socket.notify('blocklist.reload', { List: '2s', Sequence: 20 });
  for (let i = 0; i < 6; i++) socket.refuse('blocklist.get', 4300, 30001);
  expect(socket.closed).toBe(true);
  await vi.advanceTimersByTimeAsync(500);
  expect(g.sockets).toHaveLength(2);
});

test('a refused page is no end: the client connects anew and reads again', async () => {
  const g = new Gateway();
  const chat = g.client();
  const login = chat.login({ userID, userSig: 'sig-1' });
  g.last.welcome({ Sequence: 7, Reload: true });
  g.last.refuse('blocklist.get', 4004, 30006);
  await vi.advanceTimersByTimeAsync(500);
  expect(g.last.welcome({ Sequence: 7, Reload: true }).Blocklist).toBeUndefined();
  g.last.page(7, ['a']);
  await login;
  expect((await chat.getBlacklist()).data).toEqual(['a']);
});

test('a connection lost while the list is read leaves the copy as it was', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  socket.change(9, ['c']);
  socket.page(9, ['b'], 'more');
  expect((await chat.getBlacklist()).data).toEqual(['a']);
  const params = await reconnect(g, socket, { Sequence: 9, Reload: false, Changes: [change(8, ['b']), change(9, ['c'])] });
  expect(params.Blocklist).toEqual({ List: '2s', Sequence: 7 });
  expect((await chat.getBlacklist()).data).toEqual(['a', 'b', 'c']);
});

test('a call\'s answer waits while the list is read, so that the list has the change', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const settled = vi.fn();
  const call = chat.addToBlacklist({ userIDList: ['c'] }).then(settled);
  const { id } = socket.take('blocklist.add');
  socket.change(9, ['c']); // 8 is missing
  socket.push({ id, result: { ResultItem: [{ To_Account: 'c', ResultCode: 0, ResultInfo: '' }] } });
  await vi.advanceTimersByTimeAsync(0);
  expect(settled).not.toHaveBeenCalled();
  socket.page(9, ['b', 'c']);
  await call;
  expect((await chat.getBlacklist()).data).toEqual(['b', 'c']);
});

test('an answer that waits for the list is not lost with the connection', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const call = chat.addToBlacklist({ userIDList: ['c'] });
  const { id } = socket.take('blocklist.add');
  socket.notify('blocklist.reload', { List: '2s', Sequence: 9 });
  socket.push({ id, result: { ResultItem: [{ To_Account: 'c', ResultCode: 0, ResultInfo: '' }] } });
  socket.end();
  expect((await call).data).toEqual(['c']);
});
