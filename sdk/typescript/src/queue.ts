import { CODE } from './constants.js';
import { KithError } from './error.js';

/** A call that waits for its answer. */
export interface Call {
  readonly method: string;
  readonly params: unknown;
  /** It was sent before, and may have been carried out. */
  sent: boolean;
  /** Settles the call and takes it off the queue; nothing happens if it has been. */
  settle(error: KithError | undefined, result?: unknown): void;
}

/** What a call's promise resolves with. again: it was sent more than once. */
export interface Outcome {
  result: unknown;
  again: boolean;
}

/**
 * The calls that wait, oldest first. They are carried out one after another, so that one which must be sent again comes
 * before all that were made later. Each settles: when answered, when its time is up, or when all are rejected.
 */
export class Queue {
  #calls: Call[] = [];
  #limit: number;
  #timeout: number;

  constructor(limit: number, timeout: number) {
    this.#limit = limit;
    this.#timeout = timeout;
  }

  /** The call whose turn it is. */
  get head(): Call | undefined {
    return this.#calls[0];
  }

  /** Puts a call at the end. */
  add(method: string, params: unknown): Promise<Outcome> {
    if (this.#calls.length >= this.#limit) {
      return Promise.reject(new KithError(CODE.QUEUE_FULL, `${this.#limit} calls are waiting; wait for some of them`));
    }
    return new Promise((resolve, reject) => {
      let again = false;
      const settle = (error: KithError | undefined, result?: unknown): void => {
        clearTimeout(timer);
        this.#calls = this.#calls.filter((c) => c !== call);
        if (error) reject(error);
        else resolve({ result, again });
      };
      const call: Call = {
        method, params, settle,
        get sent() { return again; },
        set sent(value) { again = value; },
      };
      const timer = setTimeout(() => settle(this.#late(call)), this.#timeout);
      this.#calls.push(call);
    });
  }

  /** Rejects all calls. */
  reject(error: KithError): void {
    for (const call of this.#calls) call.settle(error);
  }

  #late(call: Call): KithError {
    return new KithError(CODE.TIMEOUT, `${call.method} was not answered within ${this.#timeout} ms`);
  }
}
