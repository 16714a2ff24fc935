import { backoff } from './backoff.js';

/** A connection that stood this long, in milliseconds, was a good one: the next pause is a short one again. */
const GOOD_TIME = 10_000;

/** The least time between two attempts in milliseconds, however often somebody says that it is worth trying. */
const LEAST_PAUSE = 1000;

/** Decides when to connect: after growing, jittered pauses, not before the server said, and sooner when woken. */
export class Connector {
  #attempt: () => void;
  #failures = 0;
  #notBefore = 0;
  #tried = -Infinity;
  #stands: number | undefined; // since when
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(attempt: () => void) {
    this.#attempt = attempt;
  }

  /** Connects at once. */
  now(): void {
    this.stop();
    this.#tried = Date.now();
    this.#attempt();
  }

  /** The connection was made. */
  made(): void {
    this.#stands = Date.now();
  }

  /** Connects after a pause, of at least so many milliseconds. */
  later(atLeast = 0): void {
    const now = Date.now();
    if (this.#stands !== undefined && now - this.#stands >= GOOD_TIME) this.#failures = 0;
    this.#stands = undefined;
    const pause = backoff(this.#failures++, Math.random());
    if (atLeast > 0) this.#notBefore = now + atLeast + pause;
    this.#schedule(this.#notBefore > now ? this.#notBefore - now : pause);
  }

  /** The server wants nobody to connect for so many milliseconds. It has spread them itself. */
  hold(ms: number): void {
    this.#notBefore = Date.now() + ms;
  }

  /** Ends a pause early, though not one that the server asked for. False if there is none. */
  wake(): boolean {
    if (this.#timer === undefined) return false;
    const now = Date.now();
    this.#failures = 0;
    this.#schedule(Math.max(0, this.#notBefore - now, this.#tried + LEAST_PAUSE - now));
    return true;
  }

  /** Stops waiting. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(ms: number): void {
    this.stop();
    this.#timer = setTimeout(() => this.now(), ms);
  }
}
