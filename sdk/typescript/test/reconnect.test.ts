import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { backoff } from '../src/backoff.js';
import { EVENT } from '../src/index.js';
import { Gateway, userID } from './gateway.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A browser's window and document, as far as the SDK listens to them. */
function stubBrowser(): { fire(name: string): void; listeners(): number; document: { visibilityState: string } } {
  const target = new EventTarget();
  let listeners = 0;
  const add = (name: string, fn: () => void): void => { listeners++; target.addEventListener(name, fn); };
  const remove = (name: string, fn: () => void): void => { listeners--; target.removeEventListener(name, fn); };
  const document = { visibilityState: 'hidden', addEventListener: add, removeEventListener: remove };
  vi.stubGlobal('addEventListener', add);
  vi.stubGlobal('removeEventListener', remove);
  vi.stubGlobal('document', document);
  return { fire: (name) => void target.dispatchEvent(new Event(name)), listeners: () => listeners, document };
}

test.each([
  [0, 0, 0], [0, 0.5, 250], [1, 0.5, 500], [2, 0.5, 1000], [5, 0.5, 8000], [6, 0.5, 15_000], [7, 0.5, 15_000],
  [1e9, 0.5, 15_000], [0, 0.999999, 499],
])('the pause of attempt %i at %d is %i ms', (attempt, random, want) => expect(backoff(attempt, random)).toBe(want));

test('pauses grow while the server cannot be reached, and are short again after a good connection', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.9999);
  const g = new Gateway();
  const { socket } = await g.ready();
  socket.end();
  for (const pause of [499, 999, 1999, 3999, 7999, 15_998, 29_997, 29_997]) {
    const before = g.sockets.length;
    await vi.advanceTimersByTimeAsync(pause - 1);
    expect(g.sockets).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(g.sockets).toHaveLength(before + 1);
    g.last.end();
  }
  await vi.advanceTimersByTimeAsync(30_000);
  g.last.welcome(Gateway.nothingNew());
  await vi.advanceTimersByTimeAsync(10_000);
  const before = g.sockets.length;
  g.last.end();
  await vi.advanceTimersByTimeAsync(499);
  expect(g.sockets).toHaveLength(before + 1);
});

test('pauses grow while logins succeed but do not last', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.9999);
  const g = new Gateway();
  const { socket } = await g.ready();
  socket.end(4001);
  for (const pause of [499, 999, 1999, 3999]) {
    await vi.advanceTimersByTimeAsync(pause - 1);
    const before = g.sockets.length;
    await vi.advanceTimersByTimeAsync(1);
    expect(g.sockets).toHaveLength(before + 1);
    g.last.welcome(Gateway.nothingNew());
    g.last.end(4001);
  }
});

test('after session.reconnect the client comes back exactly when it was told to', async () => {
  const browser = stubBrowser();
  const g = new Gateway();
  const { socket } = await g.ready();
  socket.notify('session.reconnect', { AfterMS: 1840 });
  await vi.advanceTimersByTimeAsync(40);
  socket.end(4000);
  browser.fire('online'); // is no reason to come sooner
  await vi.advanceTimersByTimeAsync(1799);
  expect(g.sockets).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(g.sockets).toHaveLength(2);
});

test('a server that does not answer within ten seconds is dead', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const call = chat.addToBlacklist({ userIDList: ['a'] });
  await vi.advanceTimersByTimeAsync(9999);
  expect(socket.closed).toBe(false);
  await vi.advanceTimersByTimeAsync(501);
  expect(socket.closed).toBe(true);
  g.last.welcome(Gateway.nothingNew());
  g.last.done('blocklist.add');
  expect((await call).data).toEqual(['a']);
});

test('a connection that does not open, or whose login is not answered, is given up', async () => {
  const g = new Gateway();
  void g.client().login({ userID, userSig: 'sig-1' });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(g.sockets[0]?.closed).toBe(true);
  await vi.advanceTimersByTimeAsync(500);
  g.last.open();
  expect(g.sockets).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(11_000);
  expect(g.sockets[1]?.closed).toBe(true);
  expect(g.sockets).toHaveLength(3);
});

test('a heartbeat is sent when nothing else was, and must be answered', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  await vi.advanceTimersByTimeAsync(24_000);
  void chat.addToBlacklist({ userIDList: ['a'] });
  socket.done('blocklist.add');
  await vi.advanceTimersByTimeAsync(24_999);
  expect(socket.frames).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  socket.answer('ping', {});
  await vi.advanceTimersByTimeAsync(25_000);
  socket.take('ping');
  expect(g.sockets).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(10_500);
  expect(g.sockets).toHaveLength(2);
});

test.each(['{', '7', 'null', new ArrayBuffer(2)])('a server that says %o is not listened to', async (data) => {
  const g = new Gateway();
  const { socket } = await g.ready();
  socket.onmessage?.({ data });
  expect(socket.closed).toBe(true);
  await vi.advanceTimersByTimeAsync(500);
  expect(g.sockets).toHaveLength(2);
});

test('a connection that was given up is not listened to any more', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  const { onmessage, onclose } = socket;
  const updated = vi.fn();
  chat.on(EVENT.BLACKLIST_UPDATED, updated);
  socket.end();
  onmessage?.({ data: '{"method":"blocklist.changed","params":{"Sequence":8,"Added":[],"Removed":["a"]}}' });
  onclose?.({ code: 4200, reason: '' });
  expect(updated).not.toHaveBeenCalled();
  expect(chat.isReady()).toBe(true);
});

test('an unknown notification and unknown answers do no harm', async () => {
  const g = new Gateway();
  const { socket } = await g.ready();
  socket.notify('a.later.version', {});
  socket.push({ id: 999, result: {} });
  socket.push({ id: null, error: { code: -32700, message: 'x' } });
  expect(socket.closed).toBe(false);
});

test('a WebSocket that cannot be made is tried again', async () => {
  const g = new Gateway();
  const { webSocket } = g;
  let refusals = 2;
  const Flaky = class extends webSocket {
    constructor(url: string) {
      if (refusals-- > 0) throw new Error('SecurityError');
      super(url);
    }
  };
  void g.client({ webSocket: Flaky }).login({ userID, userSig: 'sig-1' });
  await vi.advanceTimersByTimeAsync(2000);
  expect(g.sockets).toHaveLength(1);
});

test('online ends the pause', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.9999);
  const browser = stubBrowser();
  const g = new Gateway();
  const { socket } = await g.ready();
  socket.end();
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(30_000);
    g.last.end();
  }
  const before = g.sockets.length;
  await vi.advanceTimersByTimeAsync(1000);
  browser.fire('online');
  await vi.advanceTimersByTimeAsync(0);
  expect(g.sockets).toHaveLength(before + 1);
  g.last.end();
  for (let i = 0; i < 10; i++) browser.fire('online'); // however often: once a second
  await vi.advanceTimersByTimeAsync(999);
  expect(g.sockets).toHaveLength(before + 1);
  await vi.advanceTimersByTimeAsync(1);
  expect(g.sockets).toHaveLength(before + 2);
});

test('offline gives the connection up', async () => {
  const browser = stubBrowser();
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const states: string[] = [];
  chat.on(EVENT.NET_STATE_CHANGE, ({ data }) => states.push(data.state));
  browser.fire('offline');
  expect(socket.closed).toBe(true);
  expect(states).toEqual(['disconnected']);
  browser.fire('offline');
  await vi.advanceTimersByTimeAsync(500);
  expect(g.sockets).toHaveLength(2);
});

test('a page that is shown again makes sure of its connection', async () => {
  const browser = stubBrowser();
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  browser.fire('visibilitychange');
  expect(socket.frames).toEqual([]);
  browser.document.visibilityState = 'visible';
  browser.fire('visibilitychange');
  socket.answer('ping', {});
  void chat.destroy();
  expect(browser.listeners()).toBe(0);
});
