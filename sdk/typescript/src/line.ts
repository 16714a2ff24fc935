import { Connector } from './connector.js';
import { CODE, TYPES } from './constants.js';
import type { NetState } from './constants.js';
import { KithError } from './error.js';
import { Link } from './link.js';
import type { Answer } from './link.js';
import { advice } from './protocol.js';
import type { LoginResult } from './protocol.js';
import type { Ticket } from './ticket.js';
import type { WebSocketLike } from './types.js';

/** What a line needs and tells. Nothing is told after refused, close or logout. */
export interface LinePort {
  ticket: Ticket;
  connect(): WebSocketLike;
  /** The params of login but for the UserSig. */
  login(): object;
  net(state: NetState): void;
  /** The user is logged in on a new connection. */
  up(result: LoginResult): void;
  /** That connection is gone; calls without an answer get none. */
  down(): void;
  notified(method: string, params: unknown): void;
  /** Something failed that the line deals with itself. */
  trouble(error: KithError): void;
  /** The line has ended: it will not connect again. */
  refused(error: KithError): void;
}

/** How many UserSigs in a row may be refused as old, the first included. */
const STALE_LIMIT = 3;

/** Keeps a connection that is logged in: connects, renews the UserSig, and does what refusals tell by their range. */
export class Line {
  readonly #port: LinePort;
  readonly #connector = new Connector(() => void this.#attempt());
  #link: Link | undefined;
  #loggedIn = false;
  #over = false;
  #stale: KithError | undefined; // the server wants another UserSig
  #refusals = 0; // of UserSigs as old, in a row

  constructor(port: LinePort) {
    this.#port = port;
    if (port.ticket.userSig === '') this.#stale = new KithError(CODE.NO_USERSIG, 'getUserSig has no UserSig for this user');
  }

  /** Begins to connect. */
  start(): void {
    this.#connector.now();
  }

  /** Sends a request, if there is a connection; if not, or if it is lost before the answer, down is told. */
  call(method: string, params: unknown, answer: Answer): void {
    this.#link?.call(method, params, answer);
  }

  /** The network may be back, or somebody wants to be sure of it. */
  wake(): void {
    if (!this.#connector.wake() && this.#loggedIn) this.#link?.ping();
  }

  /** Connects anew after a pause: the network is gone, or the connection is of no use. */
  drop(): void {
    if (this.#link) this.#lost(0);
  }

  /** The server wants nobody to connect for so many milliseconds. */
  hold(ms: number): void {
    this.#connector.hold(ms);
  }

  /** Does what the range of a refusal says; retryAfter is in milliseconds. */
  refuse(error: KithError, retryAfter: number): void {
    if (this.#over) return;
    const known = advice(error.refusal);
    if (known === 'login' && this.#port.ticket.renewable && ++this.#refusals < STALE_LIMIT) {
      this.#stale = error;
      this.#unlink();
      this.#port.net(TYPES.NET_STATE_DISCONNECTED);
      this.#port.trouble(error);
      if (this.#over) return;
      if (this.#refusals === 1) this.#connector.now();
      else this.#connector.later();
    } else if (known === 'retry') {
      this.#port.trouble(error);
      this.#lost(retryAfter);
    } else {
      this.#finish(error);
    }
  }

  /** Ends the line. */
  close(): void {
    this.#over = true;
    this.#connector.stop();
    this.#unlink();
  }

  /** Logs out and ends the line. Resolves when the server has heard of it, or cannot. */
  logout(): Promise<void> {
    const link = this.#loggedIn ? this.#link : undefined;
    if (link) this.#link = undefined;
    this.close();
    return link ? link.logout() : Promise.resolve();
  }

  async #attempt(): Promise<void> {
    this.#port.net(TYPES.NET_STATE_CONNECTING);
    if (this.#over) return;
    if (!this.#stale) this.#connect();
    else if (await this.#renewed(this.#stale)) this.#connect();
  }

  /** Gets a new UserSig. False if there is none now, or never, or the line has ended. */
  async #renewed(why: KithError): Promise<boolean> {
    try {
      const userSig = this.#port.ticket.renewable ? await this.#port.ticket.renew() : '';
      if (this.#over) return false;
      if (userSig !== '') {
        this.#stale = undefined;
        return true;
      }
      this.#finish(why);
    } catch (error) {
      if (this.#over) return false;
      this.#port.trouble(error as KithError);
      this.#lost(0);
    }
    return false;
  }

  #connect(): void {
    let socket: WebSocketLike;
    try {
      socket = this.#port.connect();
    } catch {
      this.#lost(0); // what the browser forbids, such as ws from a page of https
      return;
    }
    const link = new Link(socket, {
      opened: () => this.#login(link),
      notified: (method, params) => this.#port.notified(method, params),
      ended: (code, reason) => this.#ended(code, reason),
    });
    this.#link = link;
  }

  #login(link: Link): void {
    const params = { ...this.#port.login(), UserSig: this.#port.ticket.userSig };
    link.call('login', params, (error, result, retryAfter) => {
      if (error) {
        this.refuse(error, retryAfter);
        return;
      }
      const welcome = result as LoginResult;
      this.#loggedIn = true;
      this.#refusals = 0;
      this.#connector.made();
      link.heartbeat(welcome.HeartbeatSeconds);
      this.#port.net(TYPES.NET_STATE_CONNECTED);
      if (this.#link === link) this.#port.up(welcome);
    });
  }

  #ended(code: number, reason: string): void {
    const known = advice(code);
    if (known === 'login' || known === 'stop') this.refuse(new KithError(code, reason || `closed with ${code}`, code), 0);
    else this.#lost(0);
  }

  #lost(retryAfter: number): void {
    if (this.#over) return;
    this.#unlink();
    this.#port.net(TYPES.NET_STATE_DISCONNECTED);
    if (!this.#over) this.#connector.later(retryAfter);
  }

  #finish(error: KithError): void {
    this.close();
    this.#port.refused(error);
  }

  #unlink(): void {
    const link = this.#link;
    this.#link = undefined;
    this.#loggedIn = false;
    link?.close();
    this.#port.down();
  }
}
