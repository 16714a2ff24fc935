// The server that the Go test of this folder started, and what an app backend does with it: tickets and REST calls.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { deflateSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Chat, EventName, KithEvent, KithOptions } from '../src/index.node.js';
import { create } from '../src/index.node.js';

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; this test is started by: go test ./sdk/typescript`);
  return value;
}

export const url = setting('KITH_URL');
const sdkAppID = Number(setting('KITH_SDKAPPID'));
const key = setting('KITH_KEY');
const admin = setting('KITH_ADMIN');

/** Makes a UserSig. age is how many seconds ago. */
export function userSig(userID: string, seconds = 3600, age = 0): string {
  const time = Math.floor(Date.now() / 1000) - age;
  const lines = `TLS.identifier:${userID}\nTLS.sdkappid:${sdkAppID}\nTLS.time:${time}\nTLS.expire:${seconds}\n`;
  const ticket = {
    'TLS.ver': '2.0', 'TLS.identifier': userID, 'TLS.sdkappid': sdkAppID, 'TLS.time': time, 'TLS.expire': seconds,
    'TLS.sig': createHmac('sha256', key).update(lines).digest('base64'),
  };
  const text = deflateSync(JSON.stringify(ticket)).toString('base64');
  return text.replaceAll('+', '*').replaceAll('/', '-').replaceAll('=', '_');
}

/** Calls the REST API as the app's admin. */
export async function rest(command: string, body: object): Promise<Record<string, unknown>> {
  const query = new URLSearchParams({
    sdkappid: String(sdkAppID), identifier: admin, usersig: userSig(admin), random: '7', contenttype: 'json',
  });
  const response = await fetch(`${url}/v4/${command}?${query}`, { method: 'POST', body: JSON.stringify(body) });
  const answer = await response.json() as Record<string, unknown>;
  expect(answer).toMatchObject({ ActionStatus: 'OK' });
  return answer;
}

/** Makes accounts whose UserIDs no other test has. */
export async function people(test: string, ...names: string[]): Promise<string[]> {
  const ids = names.map((name) => `${test}-${name}`);
  await rest('im_open_login_svc/multiaccount_import', { Accounts: ids });
  return ids;
}

/** A user's list, as REST has it. */
export async function restList(From_Account: string): Promise<string[]> {
  const answer = await rest('sns/black_list_get', { From_Account, StartIndex: 0, MaxLimited: 1000, LastSequence: 0 });
  return (answer.BlackListItem as { To_Account: string }[]).map((item) => item.To_Account);
}

const chats: Chat[] = [];

/** A client; it is destroyed after the test. */
export function client(options: Partial<KithOptions> = {}): Chat {
  const chat = create({ SDKAppID: sdkAppID, url, ...options });
  chats.push(chat);
  return chat;
}

export async function destroyAll(): Promise<void> {
  await Promise.all(chats.splice(0).map((chat) => chat.destroy()));
}

/** The next event of a name that fits. */
export function next<N extends EventName>(
  chat: Chat, name: N, fits: (data: KithEvent<N>['data']) => boolean = () => true,
): Promise<KithEvent<N>['data']> {
  return new Promise((resolve) => {
    const listener = ({ data }: KithEvent<N>): void => {
      if (!fits(data)) return;
      chat.off(name, listener);
      resolve(data);
    };
    chat.on(name, listener);
  });
}

/** A network in front of the server that can be cut. It passes bytes on as they are. */
export class Proxy {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));
  /** After how many bytes a connection is cut, either way. */
  cutAfter: () => number = () => Infinity;
  /** Nobody gets through. */
  down = false;

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const target = new URL(url);
    target.port = String((this.#server.address() as AddressInfo).port);
    return target.href;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    if (this.down) {
      socket.destroy();
      return;
    }
    const server = connect(Number(new URL(url).port), '127.0.0.1');
    let left = this.cutAfter();
    for (const [from, to] of [[socket, server], [server, socket]] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => {
        if (bytes.length >= left) {
          to.write(bytes.subarray(0, left), () => [socket, server].forEach((s) => s.destroy()));
          left = 0;
        } else {
          left -= bytes.length;
          to.write(bytes);
        }
      });
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
