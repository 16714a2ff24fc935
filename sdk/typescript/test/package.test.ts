// What is published: versions that agree, entries per platform, and a bundle for browsers that has nothing of Node.js.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { build } from 'esbuild';
import manifest from '../package.json' with { type: 'json' };
import { create as createNode } from '../src/index.node.js';
import { KithError, VERSION } from '../src/index.js';
import { Gateway } from './gateway.js';

const root = new URL('..', import.meta.url).pathname;

test('the version is that of package.json', () => expect(VERSION).toBe(manifest.version));

test('there is no dependency at run time', () => expect(manifest).not.toHaveProperty('dependencies'));

test('the lock file names no registry', () => {
  expect(readFileSync(`${root}package-lock.json`, 'utf8')).not.toMatch(/"resolved"/);
});

test('browsers get nothing of Node.js', async () => {
  const { metafile } = await build({
    absWorkingDir: root, entryPoints: ['src/index.ts'], bundle: true, platform: 'browser', write: false, metafile: true,
  });
  expect(Object.keys(metafile.inputs).filter((file) => file.includes('node'))).toEqual([]);
});

test('both entries have the same names', async () => {
  const [browser, node] = [await import('../src/index.js'), await import('../src/index.node.js')];
  expect(Object.keys(node)).toEqual(Object.keys(browser));
  expect(Object.keys(node.default)).toEqual(Object.keys(browser.default));
});

test('the platform is Web for browsers and Unknown for Node.js, and each client is a device of its own', async () => {
  const g = new Gateway();
  const logins = [g.client({ deviceID: undefined as never }), createNode({ SDKAppID: 1, url: 'ws://x', webSocket: g.webSocket })]
    .map((chat) => {
      chat.login({ userID: 'mira', userSig: 'sig' }).catch(() => {});
      return g.last.open().take('login').params;
    });
  expect(logins.map((p) => p.Platform)).toEqual(['Web', 'Unknown']);
  const [first, second] = logins.map((p) => p.DeviceID);
  expect(first).toMatch(/^js-[0-9a-f]{24}$/);
  expect(second).not.toBe(first);
  g.sockets.forEach((s) => s.end(4201));
});

test.each([
  ['wss://h', 'wss://h/v4/ws'], ['https://h:8443/', 'wss://h:8443/v4/ws'], ['http://[::1]:80', 'ws://[::1]/v4/ws'],
  ['ws://h/chat/v4/ws#x', 'ws://h/chat/v4/ws'],
])('the url %s means %s', (url, want) => {
  const g = new Gateway();
  g.client({ url }).login({ userID: 'mira', userSig: 'sig' }).catch(() => {});
  expect(g.last.url).toBe(want);
  g.last.end(4201);
});

test('in Node.js the url must be given', () => expect(() => createNode({ SDKAppID: 1 })).toThrow(KithError));
