import { backoff } from './backoff.js';
import { CODE } from './constants.js';
import { KithError } from './error.js';
import { frame } from './link.js';
import type { Answer } from './link.js';
import { advice } from './protocol.js';
import { Queue } from './queue.js';
import type { Call, Outcome } from './queue.js';

/** What a sender needs. */
export interface SenderPort {
  /** Sends a request on a connection that is there. */
  call(method: string, params: unknown, answer: Answer): void;
  /** A call brought out that the session is not wanted any more. */
  refuse(error: KithError): void;
}

/** Carries out the queue's calls one after another whenever it may, and again those that were lost or are to be retried. */
export class Sender {
  readonly #port: SenderPort;
  readonly #queue: Queue;
  #going = false;
  #inFlight: Call | undefined;
  #held: (() => void) | undefined; // an answer, which waits to go on
  #tries = 0; // of the call whose turn it is
  #pause: ReturnType<typeof setTimeout> | undefined;
  #maxFrame = Infinity;

  constructor(limit: number, timeout: number, port: SenderPort) {
    this.#queue = new Queue(limit, timeout);
    this.#port = port;
  }

  /** The largest frame that the server reads, in bytes. */
  set maxFrame(bytes: number) {
    this.#maxFrame = bytes;
  }

  /** Makes a call when its turn comes. */
  add(method: string, params: unknown): Promise<Outcome> {
    const outcome = this.#queue.add(method, params);
    this.#pump();
    return outcome;
  }

  /** Begins, or goes on. */
  go(): void {
    this.#going = true;
    this.#answer();
    this.#pump();
  }

  /** Sends nothing for the time being. An answer that comes meanwhile is kept until go. */
  hold(): void {
    this.#going = false;
  }

  /** The connection is lost: what was sent is to be sent again, after go. */
  lost(): void {
    this.hold();
    clearTimeout(this.#pause);
    this.#pause = undefined;
    if (this.#inFlight) this.#inFlight.sent = true;
    this.#inFlight = undefined;
    this.#answer();
  }

  /** Rejects all calls. */
  reject(error: KithError): void {
    this.#queue.reject(error);
  }

  #pump(): void {
    const call = this.#queue.head;
    if (!call || !this.#going || this.#inFlight || this.#held || this.#pause !== undefined) return;
    const { length } = new TextEncoder().encode(frame(Number.MAX_SAFE_INTEGER, call.method, call.params));
    if (length > this.#maxFrame) {
      call.settle(new KithError(CODE.FRAME_TOO_LARGE, `the call has ${length} bytes, the server reads ${this.#maxFrame}`));
      this.#pump();
      return;
    }
    this.#inFlight = call;
    this.#port.call(call.method, call.params, (error, result, retryAfter) => {
      this.#inFlight = undefined;
      if (error) this.#failed(call, error, retryAfter);
      else this.#succeeded(call, result);
    });
  }

  #succeeded(call: Call, result: unknown): void {
    this.#tries = 0;
    this.#held = () => call.settle(undefined, result);
    if (this.#going) this.go();
  }

  #failed(call: Call, error: KithError, retryAfter: number): void {
    const known = advice(error.refusal);
    // A new UserSig that is of no use does not end the session that the old one began.
    if (known === undefined || known === 'fix' || (known !== 'retry' && call.method === 'session.renew')) {
      this.#tries = 0;
      call.settle(error);
      this.#pump();
      return;
    }
    call.sent = true;
    if (known === 'retry') this.#again(retryAfter);
    else this.#port.refuse(error);
  }

  #again(retryAfter: number): void {
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#pump();
    }, retryAfter + backoff(this.#tries++, Math.random()));
  }

  #answer(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }
}
