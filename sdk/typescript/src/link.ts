import { KithError } from './error.js';
import type { Frame } from './protocol.js';
import type { WebSocketLike } from './types.js';

/** How long an answer, and the opening of a connection, may take in milliseconds. */
export const ANSWER_TIME = 10_000;

/** A request's answer: an error of the server, or the result. Not called when the connection ends before. */
export type Answer = (error: KithError | undefined, result: unknown, retryAfter: number) => void;

/** What a link tells. ended comes once, and nothing after it; never after close. */
export interface LinkHandlers {
  opened(): void;
  notified(method: string, params: unknown): void;
  ended(code: number, reason: string): void;
}

/**
 * One connection. Answers and notifications are told synchronously, in the order of their frames. A server that does not
 * answer in time, or says what is not of the protocol, is taken for dead.
 */
export class Link {
  #socket: WebSocketLike;
  #handlers: LinkHandlers | undefined;
  #waiting = new Map<number, { answer: Answer; timer: ReturnType<typeof setTimeout> }>();
  #lastID = 0;
  #opening: ReturnType<typeof setTimeout>;
  #beat: ReturnType<typeof setTimeout> | undefined;
  #beatTime = 0;

  constructor(socket: WebSocketLike, handlers: LinkHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#opening = setTimeout(() => this.#end(1006, 'the connection was not opened in time'), ANSWER_TIME);
    socket.onopen = () => {
      clearTimeout(this.#opening);
      this.#handlers?.opened();
    };
    socket.onmessage = (event) => this.#read(event.data);
    socket.onclose = (event) => this.#end(event.code, event.reason);
    socket.onerror = () => {}; // onclose follows; some throw an error that nobody listens to
  }

  /** Sends a request. */
  call(method: string, params: unknown, answer: Answer): void {
    const id = ++this.#lastID;
    const timer = setTimeout(() => this.#end(1006, `the server did not answer ${method} in time`), ANSWER_TIME);
    this.#waiting.set(id, { answer, timer });
    this.#socket.send(frame(id, method, params));
    this.#rest();
  }

  /** Asks the server for a sign of life, which has to come in time. */
  ping(): void {
    this.call('ping', undefined, () => {});
  }

  /** Sends a ping whenever nothing was sent for so long. */
  heartbeat(seconds: number): void {
    this.#beatTime = seconds * 1000;
    this.#rest();
  }

  /** Closes the connection and tells nothing any more. */
  close(): void {
    this.#stop();
    this.#socket.close(1000);
  }

  /** Logs out. Tells nothing any more; resolves when the server has answered, or the connection ended. */
  logout(): Promise<void> {
    this.#stop();
    const socket = this.#socket;
    return new Promise((resolve) => {
      this.#handlers = { opened: resolve, notified: () => {}, ended: () => resolve() };
      socket.onmessage = (event) => this.#read(event.data);
      socket.onclose = (event) => this.#end(event.code, event.reason);
      this.call('logout', undefined, () => {
        this.close();
        resolve();
      });
    });
  }

  #rest(): void {
    clearTimeout(this.#beat);
    if (this.#beatTime > 0) this.#beat = setTimeout(() => this.ping(), this.#beatTime);
  }

  #read(data: unknown): void {
    let message: Frame | undefined;
    try {
      message = JSON.parse(data as string) as Frame;
    } catch {
      // Told below.
    }
    if (typeof message !== 'object' || message === null) this.#end(1006, 'the server sent what is not JSON-RPC');
    else if (message.method !== undefined) this.#handlers?.notified(message.method, message.params);
    else this.#answered(message);
  }

  #answered({ id, error, result }: Frame): void {
    const call = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || !call) return;
    this.#waiting.delete(id);
    clearTimeout(call.timer);
    if (error) {
      const problem = new KithError(error.code, error.message, error.data?.Refusal);
      call.answer(problem, undefined, error.data?.RetryAfterMS ?? 0);
    } else {
      call.answer(undefined, result, 0);
    }
  }

  #end(code: number, reason: string): void {
    const handlers = this.#stop();
    // One that has closed does not mind; one that went silent must go, so that it does not come back to life.
    this.#socket.close();
    handlers?.ended(code, reason);
  }

  #stop(): LinkHandlers | undefined {
    const handlers = this.#handlers;
    this.#handlers = undefined;
    this.#beatTime = 0;
    clearTimeout(this.#opening);
    clearTimeout(this.#beat);
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    return handlers;
  }
}

/** A request as text. */
export function frame(id: number, method: string, params: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}
