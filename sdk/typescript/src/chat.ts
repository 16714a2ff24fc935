import { CODE, EVENT } from './constants.js';
import { Emitter } from './emitter.js';
import { kickError, kickType } from './ending.js';
import { KithError } from './error.js';
import type { Host } from './host.js';
import { settings, userIDs } from './options.js';
import type { Settings } from './options.js';
import { isAlready } from './protocol.js';
import type { TargetsResult } from './protocol.js';
import type { Outcome } from './queue.js';
import { Session } from './session.js';
import { Ticket } from './ticket.js';
import type {
  BlacklistResponse, EventName, KithOptions, KithResponse, Listener, LoginData, LoginOptions, UserIDListOptions,
} from './types.js';
import { VERSION } from './version.js';

interface Login {
  session: Session;
  promise: Promise<KithResponse<LoginData>>;
  settle(error?: KithError): void;
}

/**
 * One client of one app: at most one user is logged in at a time. Every promise settles: at the latest after the option
 * timeout, and at once when the session ends. Rejections are {@link KithError}s.
 */
export class Chat {
  readonly #settings: Settings;
  readonly #emitter = new Emitter();
  readonly #unwatch: () => void;
  #login: Login | undefined;
  #destroyed = false;

  /** Use create instead. @internal */
  constructor(options: KithOptions, host: Host) {
    this.#settings = settings(options, host);
    this.#unwatch = host.watch(() => this.#login?.session.wake(), () => this.#login?.session.offline());
  }

  /** Calls fn at each event of this name. */
  on<N extends EventName>(name: N, fn: Listener<N>): void {
    this.#emitter.add(name, fn, false);
  }

  /** Calls fn at the next event of this name. */
  once<N extends EventName>(name: N, fn: Listener<N>): void {
    this.#emitter.add(name, fn, true);
  }

  /** Ends what on or once began. */
  off<N extends EventName>(name: N, fn: Listener<N>): void {
    this.#emitter.remove(name, fn);
  }

  /** Whether a user is logged in and the list is in hand, as last known. Stays true while the connection is lost. */
  isReady(): boolean {
    return this.#login?.session.isReady ?? false;
  }

  /**
   * Logs in and resolves when the blocklist is in hand. Tries again while the server cannot be reached, until the timeout.
   * The same user once more: resolves like the login before, and goes on with this UserSig.
   */
  async login({ userID, userSig = '' }: LoginOptions): Promise<KithResponse<LoginData>> {
    this.#checkAlive();
    if (typeof userID !== 'string' || userID === '') throw new KithError(CODE.NO_IDENTIFIER, 'userID is missing');
    if (typeof userSig !== 'string' || (userSig === '' && !this.#settings.getUserSig)) {
      throw new KithError(CODE.NO_USERSIG, 'give login a userSig, or create a getUserSig');
    }
    if (!this.#login) return this.#begin(userID, userSig);
    const { session, promise } = this.#login;
    if (session.userID !== userID) throw new KithError(CODE.REPEAT_LOGIN, 'another user is logged in; log out first');
    if (!session.isReady) return promise;
    if (userSig !== '') await session.renew(userSig);
    return welcome(true);
  }

  /** Ends the session. Resolves when the server has heard of it, or cannot; waiting calls are rejected with LOGGED_OUT. */
  async logout(): Promise<KithResponse<Record<string, never>>> {
    this.#checkAlive();
    await this.#end(new KithError(CODE.LOGGED_OUT, 'the user was logged out'), true);
    return { code: 0, data: {} };
  }

  /** Ends the session and this object: no event comes any more, and every call is rejected with DESTROYED. */
  async destroy(): Promise<void> {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#unwatch();
    const told = this.#end(destroyed(), true);
    this.#emitter.clear();
    await told;
  }

  /** Resolves with the blocklist, oldest entry first: at once, as last known, if there is a connection or not. */
  async getBlacklist(): Promise<KithResponse<string[]>> {
    const login = this.#need();
    if (!login.session.ids()) await login.promise;
    return { code: 0, data: login.session.ids() ?? [] };
  }

  /** Adds 1 to 1000 users to the blocklist. Resolves even if some, or all, fail; see results. */
  addToBlacklist(options: UserIDListOptions): Promise<BlacklistResponse> {
    return this.#change('blocklist.add', options);
  }

  /** Removes 1 to 1000 users from the blocklist. Resolves even if some, or all, fail; see results. */
  removeFromBlacklist(options: UserIDListOptions): Promise<BlacklistResponse> {
    return this.#change('blocklist.remove', options);
  }

  /** Goes on with a new UserSig: the answer to USERSIG_EXPIRING where there is no getUserSig. */
  async renewUserSig({ userSig }: { userSig: string }): Promise<KithResponse<{ expireTime: number }>> {
    const { session } = this.#need();
    if (typeof userSig !== 'string' || userSig === '') throw new KithError(CODE.NO_USERSIG, 'userSig is missing');
    const { result } = await session.renew(userSig);
    return { code: 0, data: { expireTime: (result as { ExpireTime: number }).ExpireTime } };
  }

  async #change(method: string, options: UserIDListOptions): Promise<BlacklistResponse> {
    const { session } = this.#need();
    const outcome = await session.call(method, { To_Account: userIDs(options) });
    return perID(outcome);
  }

  #begin(userID: string, userSig: string): Promise<KithResponse<LoginData>> {
    const { sdkAppID: SDKAppID, platform: Platform, deviceID: DeviceID, timeout, queueLimit, connect } = this.#settings;
    let last: KithError | undefined; // why the login does not succeed
    const session = new Session({
      login: { SDKAppID, UserID: userID, Platform, DeviceID, SDKVersion: `kith-js/${VERSION}` },
      ticket: new Ticket(userSig, this.#settings.getUserSig),
      timeout, queueLimit, connect,
      emit: (name, data) => {
        if (data instanceof KithError) last = data;
        this.#emitter.emit(name, data);
      },
      ready: () => {
        this.#login?.settle();
        this.#emitter.emit(EVENT.SDK_READY, undefined);
      },
      ended: (error) => this.#ended(error),
    });
    const timer = setTimeout(() => {
      void this.#end(new KithError(CODE.TIMEOUT, `login did not succeed within ${timeout} ms: ${last?.message ?? 'no connection to the url'}`, last?.refusal, last), false);
    }, timeout);
    let settle: Login['settle'] = () => {};
    const promise = new Promise<KithResponse<LoginData>>((resolve, reject) => {
      settle = (error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(welcome(false));
      };
    });
    this.#login = { session, promise, settle };
    session.start();
    return promise;
  }

  /** The session was ended by somebody else. A login that is still under way is only rejected. */
  #ended(error: KithError): void {
    const { code, message, refusal } = error;
    const wasReady = this.isReady();
    void this.#end(wasReady ? kickError(error) : error, false);
    if (wasReady) this.#emitter.emit(EVENT.KICKED_OUT, { type: kickType(error), code, message, refusal });
  }

  async #end(error: KithError, tell: boolean): Promise<void> {
    const login = this.#login;
    if (!login) return;
    this.#login = undefined;
    const wasReady = login.session.isReady;
    const told = login.session.end(error, tell);
    login.settle(error);
    if (wasReady) this.#emitter.emit(EVENT.SDK_NOT_READY, undefined);
    await told;
  }

  #need(): Login {
    this.#checkAlive();
    if (!this.#login) throw new KithError(CODE.USER_NOT_LOGGED_IN, 'nobody is logged in; call login first');
    return this.#login;
  }

  #checkAlive(): void {
    if (this.#destroyed) throw destroyed();
  }
}

function destroyed(): KithError {
  return new KithError(CODE.DESTROYED, 'destroy was called; create another');
}

function welcome(repeatLogin: boolean): KithResponse<LoginData> {
  return { code: 0, data: { actionStatus: 'OK', errorCode: 0, errorInfo: '', repeatLogin } };
}

/** The outcome for each account. After a second sending, what is as wanted already is taken for the first one's work. */
function perID({ result, again }: Outcome): BlacklistResponse {
  const results = (result as TargetsResult).ResultItem.map(({ To_Account: userID, ResultCode, ResultInfo }) => {
    const done = ResultCode === 0 || (again && isAlready(ResultInfo));
    return done ? { userID, code: 0, info: '' } : { userID, code: ResultCode, info: ResultInfo };
  });
  return { code: 0, data: results.filter((r) => r.code === 0).map((r) => r.userID), results };
}
