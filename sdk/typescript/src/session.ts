import { backoff } from './backoff.js';
import { EVENT, TYPES } from './constants.js';
import type { NetState } from './constants.js';
import type { KithError } from './error.js';
import { Follower } from './follower.js';
import { Line } from './line.js';
import { advice } from './protocol.js';
import type { Change, LoginResult, Page } from './protocol.js';
import type { Outcome } from './queue.js';
import type { Reading } from './reading.js';
import { Sender } from './sender.js';
import type { Ticket } from './ticket.js';
import type { EventData, EventName, WebSocketLike } from './types.js';

/** What a session is made of and tells. Nothing is told after ended or end. */
export interface SessionOptions {
  /** The params of login but for the UserSig and the position. */
  login: { SDKAppID: number; UserID: string; Platform: string; DeviceID: string; SDKVersion: string };
  ticket: Ticket;
  timeout: number;
  queueLimit: number;
  connect(): WebSocketLike;
  emit<N extends EventName>(name: N, data: EventData[N]): void;
  /** The user is logged in and the list in hand. */
  ready(): void;
  /** Somebody else ended the session. What waits is to be rejected with end. */
  ended(error: KithError): void;
}

/** A user's login until its end, over as many connections as it takes. The list's copy and the waiting calls outlast these. */
export class Session {
  readonly #o: SessionOptions;
  readonly #sender: Sender;
  readonly #follower: Follower;
  readonly #line: Line;
  #net: NetState = TYPES.NET_STATE_DISCONNECTED;
  #up = false; // logged in on a connection that is there
  #over = false;
  #ready = false;
  #renewing: ReturnType<typeof setTimeout> | undefined;

  constructor(o: SessionOptions) {
    this.#o = o;
    this.#sender = new Sender(o.queueLimit, o.timeout, {
      call: (method, params, answer) => this.#line.call(method, params, answer),
      refuse: (error) => this.#line.refuse(error, 0),
    });
    this.#follower = new Follower({
      read: (cursor, reading) => this.#read(cursor, reading),
      changed: (ids) => this.#emit(EVENT.BLACKLIST_UPDATED, ids),
      synced: () => this.#synced(),
      failed: () => this.#line.drop(),
    });
    this.#line = new Line({
      ticket: o.ticket,
      connect: o.connect,
      login: () => ({ ...o.login, Blocklist: this.#follower.position }),
      net: (state) => this.#setNet(state),
      up: (result) => this.#begin(result),
      down: () => this.#down(),
      notified: (method, params) => this.#notified(method, params),
      trouble: (error) => this.#emit(EVENT.ERROR, error),
      refused: (error) => o.ended(error),
    });
  }

  get userID(): string {
    return this.#o.login.UserID;
  }

  /** Whether the list was in hand once. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** The accounts on the list as last known; undefined before the session is ready. */
  ids(): string[] | undefined {
    return this.#ready ? this.#follower.ids() : undefined;
  }

  start(): void {
    this.#line.start();
  }

  wake(): void {
    this.#line.wake();
  }

  offline(): void {
    this.#line.drop();
  }

  /** Makes a call when its turn comes. */
  call(method: string, params: unknown): Promise<Outcome> {
    return this.#sender.add(method, params);
  }

  /** Goes on with a new UserSig, on this connection and the next ones. One that is refused leaves the old one in place. */
  async renew(userSig: string): Promise<Outcome> {
    const { ticket } = this.#o;
    const old = ticket.userSig;
    ticket.userSig = userSig;
    try {
      return await this.call('session.renew', { UserSig: userSig });
    } catch (error) {
      if ((error as KithError).refusal !== undefined && ticket.userSig === userSig) ticket.userSig = old;
      throw error;
    }
  }

  /** Ends the session, and rejects what waits. Resolves when the server was told, if it is to be told, or cannot be. */
  async end(error: KithError, tell: boolean): Promise<void> {
    clearTimeout(this.#renewing);
    const told = tell ? this.#line.logout() : this.#line.close();
    this.#ready = false;
    this.#sender.reject(error);
    this.#setNet(TYPES.NET_STATE_DISCONNECTED);
    this.#over = true;
    await told;
  }

  #emit<N extends EventName>(name: N, data: EventData[N]): void {
    if (!this.#over) this.#o.emit(name, data);
  }

  #setNet(state: NetState): void {
    if (state === this.#net) return;
    this.#net = state;
    this.#emit(EVENT.NET_STATE_CHANGE, { state });
  }

  #begin(result: LoginResult): void {
    this.#up = true;
    this.#sender.maxFrame = result.MaxFrame;
    this.#follower.begin(result.Blocklist);
  }

  #down(): void {
    this.#up = false;
    this.#follower.stop();
    this.#sender.lost();
  }

  /** Reads a page. Calls wait until the list is read, and so do their answers: who asks for the list then sees the change. */
  #read(cursor: string, reading: Reading): void {
    this.#sender.hold();
    this.#line.call('blocklist.get', { Cursor: cursor, Limit: 1000 }, (error, page, retryAfter) => {
      if (!error) this.#follower.page(page as Page, reading);
      else if (advice(error.refusal) === 'fix') this.#follower.retry(reading); // the cursor is none any more
      else this.#line.refuse(error, retryAfter);
    });
  }

  #synced(): void {
    if (!this.#up) return; // a listener ended it
    if (!this.#ready) {
      this.#ready = true;
      this.#o.ready();
    }
    if (this.#up) this.#sender.go();
  }

  #notified(method: string, params: unknown): void {
    if (method === 'blocklist.changed') this.#follower.change(params as Change);
    else if (method === 'blocklist.reload') this.#follower.reload();
    else if (method === 'session.reconnect') this.#line.hold((params as { AfterMS: number }).AfterMS);
    else if (method === 'session.expiring') this.#expiring((params as { ExpireTime: number }).ExpireTime);
  }

  #expiring(expireTime: number): void {
    this.#emit(EVENT.USERSIG_EXPIRING, { expireTime });
    if (this.#o.ticket.renewable) void this.#renew(0);
  }

  /** Renews the UserSig until it is renewed, or there is to be none; then the server ends the session in time. */
  async #renew(attempt: number): Promise<void> {
    try {
      const userSig = this.#over ? '' : await this.#o.ticket.renew();
      if (!this.#over && userSig !== '') await this.renew(userSig);
    } catch (error) {
      if (this.#over) return;
      this.#emit(EVENT.ERROR, error as KithError);
      const pause = 1000 + backoff(attempt, Math.random());
      this.#renewing = setTimeout(() => void this.#renew(attempt + 1), pause);
    }
  }
}
