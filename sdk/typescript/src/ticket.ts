import { CODE } from './constants.js';
import { KithError } from './error.js';

/** How long getUserSig may take in milliseconds. */
const FETCH_TIME = 30_000;

/** The UserSig, and where a new one comes from. */
export class Ticket {
  userSig: string;
  #fetch: (() => Promise<string>) | undefined;

  constructor(userSig: string, fetch: (() => Promise<string>) | undefined) {
    this.userSig = userSig;
    this.#fetch = fetch;
  }

  /** Tells whether there is somebody to ask for a new one. */
  get renewable(): boolean {
    return this.#fetch !== undefined;
  }

  /** Gets a new one: empty if there is to be none. Rejects with a KithError; what getUserSig threw is its cause. */
  async renew(): Promise<string> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${FETCH_TIME} ms`)), FETCH_TIME);
    });
    try {
      const userSig = await Promise.race([this.#fetch?.() ?? '', late]);
      if (typeof userSig !== 'string') throw new TypeError('it must resolve with a string');
      this.userSig = userSig;
      return userSig;
    } catch (cause) {
      throw new KithError(CODE.NO_USERSIG, 'getUserSig failed; it is asked again', undefined, cause);
    } finally {
      clearTimeout(timer);
    }
  }
}
