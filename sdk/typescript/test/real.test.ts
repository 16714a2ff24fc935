// The SDK against the real server, over TLS. Started by: go test ./sdk/typescript
import { afterEach, expect, test } from 'vitest';
import { CODE, EVENT, TYPES } from '../src/index.node.js';
import { client, destroyAll, next, people, Proxy, rest, restList, userSig } from './real.js';
import { randomOf } from './model.js';

const proxies: Proxy[] = [];

afterEach(async () => {
  await destroyAll();
  proxies.splice(0).forEach((proxy) => proxy.close());
});

async function behindProxy(): Promise<{ proxy: Proxy; url: string }> {
  const proxy = new Proxy();
  proxies.push(proxy);
  return { proxy, url: await proxy.listen() };
}

test('a change reaches the user\'s other device, whoever made it', async () => {
  const [mira, rob, spam, self] = await people('devices', 'mira', 'rob', 'spam') as [string, string, string, string];
  const [tab, phone] = [client({ platform: 'Web' }), client({ platform: 'Android' })];
  const stranger = client();
  for (const chat of [tab, phone]) {
    expect((await chat.login({ userID: mira, userSig: userSig(mira) })).data.repeatLogin).toBe(false);
  }
  await stranger.login({ userID: rob, userSig: userSig(rob) });
  let told = false;
  stranger.on(EVENT.BLACKLIST_UPDATED, () => { told = true; });

  const seen = next(phone, EVENT.BLACKLIST_UPDATED);
  const answer = await tab.addToBlacklist({ userIDList: [rob, 'nobody-at-all', mira] });
  expect(answer.data).toEqual([rob]);
  expect(answer.results.map((r) => [r.userID, r.code, r.info])).toEqual([
    [rob, 0, ''], ['nobody-at-all', 30003, 'Err_SNS_BlackListAdd_Account_Not_Exist'],
    [mira, 30001, 'Err_SNS_BlackListAdd_Self'],
  ]);
  expect((await tab.getBlacklist()).data).toEqual([rob]);
  expect(await seen).toEqual([rob]);

  const both = [tab, phone].map((chat) => next(chat, EVENT.BLACKLIST_UPDATED));
  await rest('sns/black_list_add', { From_Account: mira, To_Account: [spam] });
  expect(await Promise.all(both)).toEqual([[rob, spam], [rob, spam]]);

  const removed = next(tab, EVENT.BLACKLIST_UPDATED);
  expect((await phone.removeFromBlacklist({ userIDList: [rob, self ?? 'x'] })).data).toEqual([rob]);
  expect(await removed).toEqual([spam]);
  expect((await phone.addToBlacklist({ userIDList: [spam] })).results).toEqual([
    { userID: spam, code: 30001, info: 'Err_SNS_BlackListAdd_Already_Exist' },
  ]);
  expect(told).toBe(false);
});

test('calls made offline are carried out in order after the resume, and missed changes arrive', async () => {
  const [mira, a, b, c] = await people('offline', 'mira', 'a', 'b', 'c') as [string, string, string, string];
  const { proxy, url } = await behindProxy();
  const chat = client({ url });
  await chat.login({ userID: mira, userSig: userSig(mira) });
  proxy.down = true;
  const gone = next(chat, EVENT.NET_STATE_CHANGE, ({ state }) => state === TYPES.NET_STATE_DISCONNECTED);
  proxy.cut();
  await gone;
  const calls = [
    chat.addToBlacklist({ userIDList: [a, b] }), chat.removeFromBlacklist({ userIDList: [a] }),
    chat.addToBlacklist({ userIDList: [a] }),
  ];
  await rest('sns/black_list_add', { From_Account: mira, To_Account: [c] });
  expect((await chat.getBlacklist()).data).toEqual([]);
  proxy.down = false;
  expect((await Promise.all(calls)).map(({ data }) => data)).toEqual([[a, b], [a], [a]]);
  expect((await chat.getBlacklist()).data).toEqual([c, b, a]);
  expect(await restList(mira)).toEqual([c, b, a]);
});

test('over a network that cuts connections anywhere, no change is lost or doubled', async () => {
  const [mira, ...others] = await people('chaos', 'mira', ...'abcdefgh') as [string, ...string[]];
  const { proxy, url } = await behindProxy();
  const random = randomOf(7);
  const [chat, witness] = [client({ url, platform: 'Web' }), client({ platform: 'iOS' })];
  const states: string[][] = [[]];
  witness.on(EVENT.BLACKLIST_UPDATED, ({ data }) => states.push(data));
  const shown: string[][] = [];
  chat.on(EVENT.BLACKLIST_UPDATED, ({ data }) => shown.push(data));
  for (const each of [witness, chat]) await each.login({ userID: mira, userSig: userSig(mira) });
  proxy.cutAfter = () => 3000 + Math.floor(random() * 6000); // a login over TLS takes about 2500
  proxy.cut();

  for (let i = 0; i < 30; i++) {
    const by = random() < 0.5 ? chat : witness;
    const userIDList = others.filter(() => random() < 0.3);
    if (userIDList.length === 0) continue;
    const { results } = await by[random() < 0.6 ? 'addToBlacklist' : 'removeFromBlacklist']({ userIDList });
    expect(results.map((r) => r.userID)).toEqual(userIDList);
  }
  proxy.cutAfter = () => Infinity;
  const last = [chat, witness].map((each) => next(each, EVENT.BLACKLIST_UPDATED, (ids) => !ids.includes(others[0] as string)));
  await rest('sns/black_list_add', { From_Account: mira, To_Account: [others[0]] });
  await rest('sns/black_list_delete', { From_Account: mira, To_Account: [others[0]] });
  await Promise.all(last);

  expect((await chat.getBlacklist()).data).toEqual(await restList(mira));
  expect((await witness.getBlacklist()).data).toEqual(await restList(mira));
  let at = 0; // each list that was shown is a state, none older than the one before
  for (const list of shown) {
    at = states.findIndex((state, i) => i >= at && state.join() === list.join());
    expect(at, `[${list}]`).toBeGreaterThanOrEqual(0);
  }
});

test('one device more than allowed puts the oldest out', async () => {
  const [mira] = await people('kick', 'mira') as [string];
  const [first, second] = [client({ platform: 'Mac' }), client({ platform: 'Mac' })];
  await first.login({ userID: mira, userSig: userSig(mira) });
  const kicked = next(first, EVENT.KICKED_OUT);
  await second.login({ userID: mira, userSig: userSig(mira) });
  expect(await kicked).toMatchObject({ type: TYPES.KICKED_OUT_MULT_DEVICE, code: 4200 });
  await expect(first.getBlacklist()).rejects.toMatchObject({ code: CODE.USER_NOT_LOGGED_IN });
  expect(second.isReady()).toBe(true);
});

test('a kick by REST ends the session of who has no newer UserSig', async () => {
  const [mira] = await people('restkick', 'mira') as [string];
  const chat = client();
  const old = userSig(mira, 3600, 10);
  await chat.login({ userID: mira, userSig: old });
  const kicked = next(chat, EVENT.KICKED_OUT);
  await rest('im_open_login_svc/kick', { Identifier: mira });
  expect(await kicked).toMatchObject({ type: TYPES.KICKED_OUT_REST_API });
  await expect(chat.login({ userID: mira, userSig: old })).rejects.toMatchObject({ code: 70052, refusal: 4101 });
});

test('a UserSig that ends is renewed, or ends the session', async () => {
  const [mira, rob] = await people('expiry', 'mira', 'rob') as [string, string];
  const renewing = client({ getUserSig: async () => userSig(mira) });
  const plain = client();
  const warned = next(renewing, EVENT.USERSIG_EXPIRING);
  const kicked = next(plain, EVENT.KICKED_OUT);
  const states: string[] = [];
  await Promise.all([
    renewing.login({ userID: mira, userSig: userSig(mira, 3) }), plain.login({ userID: rob, userSig: userSig(rob, 3) }),
  ]);
  renewing.on(EVENT.NET_STATE_CHANGE, ({ data }) => states.push(data.state));
  expect((await warned).expireTime).toBeGreaterThan(0);
  expect(await kicked).toMatchObject({ type: TYPES.KICKED_OUT_USERSIG_EXPIRED, refusal: 4100 });
  expect((await renewing.addToBlacklist({ userIDList: [rob] })).data).toEqual([rob]);
  expect(states).toEqual([]);
  // An old ticket at the login is replaced too.
  const late = client({ platform: 'iPad', getUserSig: async () => userSig(mira) });
  await late.login({ userID: mira, userSig: userSig(mira, 1, 100) });
});

test('logins that are refused say why', async () => {
  const [mira] = await people('refused', 'mira') as [string];
  const login = (options: object, ticket: string): Promise<unknown> =>
    client(options).login({ userID: mira, userSig: ticket });
  await expect(login({}, userSig('somebody'))).rejects.toMatchObject({ code: 70013, refusal: 4201 });
  await expect(login({}, 'no ticket')).rejects.toMatchObject({ code: 70003, refusal: 4201 });
  await expect(login({}, userSig(mira, 1, 100))).rejects.toMatchObject({ code: 70001, refusal: 4100 });
  await expect(login({ SDKAppID: 1 }, userSig(mira))).rejects.toMatchObject({ refusal: 4202 });
  await expect(login({ deviceID: 'é' }, userSig(mira))).rejects.toMatchObject({ code: 70402, refusal: 4206 });
});

test('after a logout the user can log in again, and another one', async () => {
  const [mira, rob] = await people('logout', 'mira', 'rob') as [string, string];
  const chat = client();
  for (const userID of [mira, rob, mira]) {
    await chat.login({ userID, userSig: userSig(userID) });
    await chat.addToBlacklist({ userIDList: [userID === mira ? rob : mira] });
    await chat.logout();
  }
  await chat.login({ userID: mira, userSig: userSig(mira) });
  expect((await chat.getBlacklist()).data).toEqual([rob]);
});

test('more entries than one page holds are read whole', async () => {
  const [mira] = await people('pages', 'mira') as [string];
  const names = Array.from({ length: 1000 }, (_, i) => `p${i}`);
  const targets: string[] = [];
  for (let i = 0; i < names.length; i += 100) targets.push(...await people('pages', ...names.slice(i, i + 100)));
  const [writer, reader] = [client({ platform: 'Web' }), client({ platform: 'Android' })];
  await writer.login({ userID: mira, userSig: userSig(mira) });
  expect((await writer.addToBlacklist({ userIDList: targets })).data).toEqual(targets);
  await reader.login({ userID: mira, userSig: userSig(mira) });
  expect((await reader.getBlacklist()).data).toEqual(targets);
});
