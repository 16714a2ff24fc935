import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { BlacklistResponse } from '../src/index.js';
import { create, EVENT, KithError } from '../src/index.js';
import { userID } from './gateway.js';
import { Model, randomOf } from './model.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const accounts = [...'abcdefghij'];

/** Some accounts, in random order, at least one. */
function some(random: () => number): string[] {
  const targets = accounts.filter(() => random() < 0.2).sort(() => random() - 0.5);
  return targets.length > 0 ? targets : ['a'];
}

/** Looks for a list among the states from one sequence on; returns its sequence, or -1. */
function find(states: string[][], from: number, list: string[]): number {
  return states.findIndex((s, i) => i >= from && s.join() === list.join());
}

// A failure names its seed: vitest run test/chaos.test.ts -t 'seed 17'.
test.each(Array.from({ length: 150 }, (_, seed) => seed))('the copy follows the list over lost connections: seed %i', async (seed) => {
  const random = randomOf(seed);
  vi.spyOn(Math, 'random').mockImplementation(random);
  const print = vi.spyOn(console, 'error'); // where the failures of listeners go
  const model = new Model(random);
  for (let i = 0; i < 4; i++) model.apply('blocklist.add', some(random));
  const chat = create({ SDKAppID: 1, url: 'ws://chat.example', webSocket: model.webSocket, timeout: 600_000 });

  let shown = 0; // the sequence of the list that was shown last
  let last: string[] = [];
  chat.on(EVENT.BLACKLIST_UPDATED, ({ data }) => {
    expect(data.join(), 'told though nothing changed').not.toBe(last.join());
    const at = find(model.states, shown, data);
    expect(at, `[${data}] after sequence ${shown} is no state of the list, or an older one`).toBeGreaterThanOrEqual(0);
    shown = at;
    last = data;
  });
  chat.once(EVENT.SDK_READY, async () => {
    last = (await chat.getBlacklist()).data;
    shown = find(model.states, 0, last);
    expect(shown).toBeGreaterThanOrEqual(0);
  });

  const login = chat.login({ userID, userSig: 'sig' });
  const calls: Promise<BlacklistResponse>[] = [];
  for (let step = 0; step < 250; step++) {
    const [verb, targets] = [random() < 0.55 ? 'add' : 'remove', some(random)];
    if (random() < 0.6) model.apply(`blocklist.${verb}`, targets);
    else calls.push(chat[verb === 'add' ? 'addToBlacklist' : 'removeFromBlacklist']({ userIDList: targets }));
    await vi.advanceTimersByTimeAsync(Math.floor(random() * (random() < 0.8 ? 60 : 3000)));
  }
  model.chaos = false;
  model.apply('blocklist.add', ['last']); // a change that was left out shows at the next
  await vi.advanceTimersByTimeAsync(120_000);

  await login;
  expect((await chat.getBlacklist()).data).toEqual(model.ids);
  for (const { results } of await Promise.all(calls)) {
    for (const { code } of results) expect([0, 30001]).toContain(code);
  }
  await vi.advanceTimersByTimeAsync(0);
  expect(last).toEqual(model.ids);
  expect(print.mock.calls).toEqual([]);
  void chat.destroy();
  await vi.advanceTimersByTimeAsync(1000);
  expect(vi.getTimerCount()).toBe(0);
});

// Whatever happens, and whenever the app ends it: no promise stays open.
test.each(Array.from({ length: 60 }, (_, seed) => 1000 + seed))('every promise settles: seed %i', async (seed) => {
  const random = randomOf(seed);
  vi.spyOn(Math, 'random').mockImplementation(random);
  const model = new Model(random);
  const getUserSig = (): Promise<string> => random() < 0.3 ? new Promise(() => {}) : Promise.resolve('sig');
  const chat = create({
    SDKAppID: 1, url: 'ws://chat.example', webSocket: model.webSocket, timeout: 5000, queueLimit: 5, getUserSig,
  });
  let open = 0;
  const watch = (promise: Promise<unknown>): void => {
    open++;
    const settled = (reason?: unknown): void => {
      open--;
      if (reason instanceof Error) expect(reason).toBeInstanceOf(KithError);
    };
    promise.then(() => settled(), settled);
  };
  for (let step = 0; step < 100; step++) {
    const luck = random();
    if (luck < 0.2) watch(chat.login({ userID, ...(random() < 0.5 && { userSig: 'sig' }) }));
    else if (luck < 0.25) watch(chat.logout());
    else if (luck < 0.35) watch(chat.renewUserSig({ userSig: 'sig-2' }));
    else if (luck < 0.5) watch(chat.getBlacklist());
    else if (luck < 0.75) watch(chat.addToBlacklist({ userIDList: some(random) }));
    else watch(chat.removeFromBlacklist({ userIDList: some(random) }));
    await vi.advanceTimersByTimeAsync(Math.floor(random() * 400));
  }
  if (random() < 0.5) watch(chat.destroy());
  await vi.advanceTimersByTimeAsync(20_000);
  expect(open).toBe(0);
});
