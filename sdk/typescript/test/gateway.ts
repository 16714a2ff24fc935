// A gateway that does what a test says, frame by frame. Everything happens at once, so that tests need no waiting.
import { expect } from 'vitest';
import type { Chat, KithOptions, WebSocketLike } from '../src/index.js';
import { create } from '../src/index.js';
import type { Change, Entry, Frame } from '../src/protocol.js';

export const userID = 'mira.k';
export const list = '2s';

/** One connection, seen from the server. */
export class Socket implements WebSocketLike {
  onopen: WebSocketLike['onopen'] = null;
  onmessage: WebSocketLike['onmessage'] = null;
  onclose: WebSocketLike['onclose'] = null;
  onerror: WebSocketLike['onerror'] = null;
  readonly url: string;
  readonly frames: Frame[] = [];
  /** The client closed it. */
  closed = false;

  constructor(url: string) {
    this.url = url;
  }

  send(data: string): void {
    this.frames.push(JSON.parse(data) as Frame);
  }

  close(): void {
    this.closed = true;
  }

  open(): this {
    this.onopen?.({});
    return this;
  }

  /** The next frame that the client sent; it must be a call of this method. */
  take(method: string): { id: number; params: Record<string, unknown> } {
    const frame = this.frames.shift();
    expect(frame?.method).toBe(method);
    return { id: frame?.id as number, params: frame?.params as Record<string, unknown> };
  }

  push(frame: object): void {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', ...frame }) });
  }

  notify(method: string, params: object): void {
    this.push({ method, params });
  }

  change(Sequence: number, added: string[], removed: string[] = []): void {
    this.notify('blocklist.changed', change(Sequence, added, removed));
  }

  /** Answers the next frame, which must be a call of this method. */
  answer(method: string, result: object): Record<string, unknown> {
    const { id, params } = this.take(method);
    this.push({ id, result });
    return params;
  }

  /** Refuses the next frame. */
  refuse(method: string, Refusal: number, code = 1, RetryAfterMS?: number): void {
    this.push({ id: this.take(method).id, error: { code, message: `refused with ${Refusal}`, data: { Refusal, RetryAfterMS } } });
  }

  /** Answers the next add or remove; accounts that are named in codes fail. */
  done(method: string, codes: Record<string, [number, string]> = {}): string[] {
    const { id, params } = this.take(method);
    const targets = params.To_Account as string[];
    const ResultItem = targets.map((To_Account) => {
      const [ResultCode, ResultInfo] = codes[To_Account] ?? [0, ''];
      return { To_Account, ResultCode, ResultInfo };
    });
    this.push({ id, result: { ResultItem } });
    return targets;
  }

  /** Lets the client log in, with news of its list. */
  welcome(news: object): Record<string, unknown> {
    return this.open().answer('login', {
      UserID: userID, ExpireTime: 1767312000, HeartbeatSeconds: 25, MaxFrame: 131072, Blocklist: { List: list, ...news },
    });
  }

  /** Answers the next blocklist.get. */
  page(Sequence: number, ids: string[], Cursor = '', List = list): Record<string, unknown> {
    return this.answer('blocklist.get', { BlackListItem: ids.map(entry), Cursor, List, Sequence });
  }

  /** The connection ends. */
  end(code = 1006, reason = ''): void {
    this.onclose?.({ code, reason });
  }
}

/** All connections that clients made. */
export class Gateway {
  readonly sockets: Socket[] = [];

  /** A client's option webSocket. */
  get webSocket(): new (url: string) => WebSocketLike {
    const { sockets } = this;
    return class extends Socket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    };
  }

  /** The newest connection. */
  get last(): Socket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('nobody has connected');
    return socket;
  }

  client(options: Partial<KithOptions> = {}): Chat {
    return create({ SDKAppID: 1600077123, url: 'wss://chat.example', webSocket: this.webSocket, deviceID: 'tab-1', ...options });
  }

  /** A client that is logged in and has this list, at sequence 7. */
  async ready(ids: string[] = [], options: Partial<KithOptions> = {}): Promise<{ chat: Chat; socket: Socket }> {
    const chat = this.client(options);
    const login = chat.login({ userID, userSig: 'sig-1' });
    const socket = this.last;
    socket.welcome({ Sequence: 7, Reload: true, Changes: [] });
    socket.page(7, ids);
    await login;
    return { chat, socket };
  }

  /** What a resumed client is told when it missed nothing. */
  static nothingNew(Sequence = 7): object {
    return { Sequence, Reload: false, Changes: [] };
  }
}

export function entry(To_Account: string): Entry {
  return { To_Account, AddBlackTimeStamp: 1767225661 };
}

export function change(Sequence: number, added: string[], removed: string[] = []): Change {
  return { Sequence, Added: added.map(entry), Removed: removed };
}
