import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Chat } from '../src/index.js';
import Kith, { EVENT, TYPES } from '../src/index.js';
import type { EventName } from '../src/types.js';
import { Gateway, userID } from './gateway.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Writes down all events of a client, as [name, data]. */
function record(chat: Chat): [string, unknown][] {
  const events: [string, unknown][] = [];
  for (const [key, name] of Object.entries(EVENT)) {
    chat.on(name as EventName, (event) => {
      expect(event.name).toBe(name);
      events.push([key, event.data]);
    });
  }
  return events;
}

test('a login tells of the connection and that the client is ready', async () => {
  const g = new Gateway();
  const chat = g.client({ platform: 'Android' });
  const events = record(chat);
  const login = chat.login({ userID, userSig: 'sig-1' });
  expect(g.last.url).toBe('wss://chat.example/v4/ws');
  expect(chat.isReady()).toBe(false);
  const params = g.last.welcome({ Sequence: 7, Reload: true, Changes: [] });
  expect(params).toEqual({
    SDKAppID: 1600077123, UserID: userID, UserSig: 'sig-1', Platform: 'Android', DeviceID: 'tab-1',
    SDKVersion: `kith-js/${Kith.VERSION}`,
  });
  expect(chat.isReady()).toBe(false);
  g.last.page(7, ['rob']);
  await expect(login).resolves.toEqual({
    code: 0, data: { actionStatus: 'OK', errorCode: 0, errorInfo: '', repeatLogin: false },
  });
  expect(chat.isReady()).toBe(true);
  expect(events).toEqual([
    ['NET_STATE_CHANGE', { state: 'connecting' }],
    ['NET_STATE_CHANGE', { state: 'connected' }],
    ['SDK_READY', undefined],
  ]);
});

test('every change of the list is told with the whole list', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['rob', 'troll_77']);
  const events = record(chat);
  socket.change(8, ['spam-9'], ['rob']);
  socket.change(9, ['rob']);
  expect(events).toEqual([
    ['BLACKLIST_UPDATED', ['troll_77', 'spam-9']],
    ['BLACKLIST_UPDATED', ['troll_77', 'spam-9', 'rob']],
  ]);
});

test('a lost connection does not end the session', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const events = record(chat);
  socket.end();
  expect(chat.isReady()).toBe(true);
  await vi.advanceTimersByTimeAsync(500);
  g.last.welcome(Gateway.nothingNew());
  expect(events).toEqual(['disconnected', 'connecting', 'connected'].map((state) => ['NET_STATE_CHANGE', { state }]));
});

test.each([
  [4200, TYPES.KICKED_OUT_MULT_DEVICE],
  [4101, TYPES.KICKED_OUT_REST_API],
  [4100, TYPES.KICKED_OUT_USERSIG_EXPIRED],
  [4102, TYPES.KICKED_OUT_USERSIG_EXPIRED],
  [4204, TYPES.KICKED_OUT_REFUSED],
  [4250, TYPES.KICKED_OUT_REFUSED],
])('a connection closed with %i ends the session: %s', async (code, type) => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const events = record(chat);
  socket.end(code, 'why');
  expect(events).toEqual([
    ['NET_STATE_CHANGE', { state: 'disconnected' }],
    ['SDK_NOT_READY', undefined],
    ['KICKED_OUT', { type, code, message: 'why', refusal: code }],
  ]);
  expect(chat.isReady()).toBe(false);
  await vi.runAllTimersAsync();
  expect(g.sockets).toHaveLength(1);
});

test('who was kicked may log in again, from the listener too', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  let again: Promise<unknown> | undefined;
  chat.once(EVENT.KICKED_OUT, () => { again = chat.login({ userID, userSig: 'sig-2' }); });
  socket.end(4200);
  expect(g.last.welcome({ Sequence: 9, Reload: true }).UserSig).toBe('sig-2');
  g.last.page(9, []);
  await again;
  expect(chat.isReady()).toBe(true);
});

test('a logout tells the server, closes, and is no kick', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const events = record(chat);
  const logout = chat.logout();
  expect(events).toEqual([['NET_STATE_CHANGE', { state: 'disconnected' }], ['SDK_NOT_READY', undefined]]);
  socket.answer('logout', {});
  await expect(logout).resolves.toEqual({ code: 0, data: {} });
  expect(socket.closed).toBe(true);
  await vi.runAllTimersAsync();
  expect(g.sockets).toHaveLength(1);
  await expect(chat.logout()).resolves.toEqual({ code: 0, data: {} });
});

test('an end of the UserSig is announced', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const events = record(chat);
  socket.notify('session.expiring', { ExpireTime: 1767312000 });
  expect(events).toEqual([['USERSIG_EXPIRING', { expireTime: 1767312000 }]]);
  const renewed = chat.renewUserSig({ userSig: 'sig-2' });
  expect(socket.answer('session.renew', { ExpireTime: 1767398400 })).toEqual({ UserSig: 'sig-2' });
  await expect(renewed).resolves.toEqual({ code: 0, data: { expireTime: 1767398400 } });
  socket.end();
  await vi.advanceTimersByTimeAsync(500);
  expect(g.last.open().take('login').params.UserSig).toBe('sig-2');
});

test('a refused login of a reconnect is told as an error, with code and message', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const events = record(chat);
  socket.end();
  await vi.advanceTimersByTimeAsync(500);
  g.last.open().refuse('login', 4004, 30006);
  const [, error] = events.find(([name]) => name === 'ERROR') ?? [];
  expect(error).toBeInstanceOf(Kith.KithError);
  expect(error).toMatchObject({ code: 30006, message: 'refused with 4004', refusal: 4004 });
});

test('off and once end a listener, and one that throws harms nobody', async () => {
  const g = new Gateway();
  const print = vi.spyOn(console, 'error').mockReturnValue();
  const { chat, socket } = await g.ready();
  const [bad, once, off, good] = [vi.fn(() => { throw new Error('bad'); }), vi.fn(), vi.fn(), vi.fn()];
  chat.on(EVENT.BLACKLIST_UPDATED, bad);
  chat.once(EVENT.BLACKLIST_UPDATED, once);
  chat.on(EVENT.BLACKLIST_UPDATED, off);
  chat.on(EVENT.BLACKLIST_UPDATED, good);
  chat.off(EVENT.BLACKLIST_UPDATED, off);
  socket.change(8, ['a']);
  socket.change(9, ['b']);
  expect([bad, once, off, good].map((fn) => fn.mock.calls.length)).toEqual([2, 1, 0, 2]);
  expect(print).toHaveBeenCalledTimes(2);
});

test('a listener may log out in the midst of a frame', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready(['a']);
  chat.on(EVENT.BLACKLIST_UPDATED, () => void chat.logout());
  socket.end();
  await vi.advanceTimersByTimeAsync(500);
  g.last.welcome({ Sequence: 8, Reload: false, Changes: [{ Sequence: 8, Added: [], Removed: ['a'] }] });
  g.last.answer('logout', {});
  expect(chat.isReady()).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test('after destroy nothing comes, and everything is rejected', async () => {
  const g = new Gateway();
  const { chat, socket } = await g.ready();
  const destroyed = chat.destroy();
  const events = record(chat);
  socket.answer('logout', {});
  await destroyed;
  await chat.destroy();
  const rejection = { code: Kith.CODE.DESTROYED };
  await expect(chat.login({ userID, userSig: 'x' })).rejects.toMatchObject(rejection);
  await expect(chat.logout()).rejects.toMatchObject(rejection);
  await expect(chat.getBlacklist()).rejects.toMatchObject(rejection);
  await expect(chat.addToBlacklist({ userIDList: ['a'] })).rejects.toMatchObject(rejection);
  expect(events).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
