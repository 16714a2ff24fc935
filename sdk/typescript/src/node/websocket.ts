import { createHash, randomBytes } from 'node:crypto';
import { request as requestHTTP } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHTTPS } from 'node:https';
import type { Duplex } from 'node:stream';
import type { WebSocketLike } from '../types.js';
import { CLOSE, Decoder, encode, FrameError, PING, PONG, TEXT } from './frame.js';
import type { Message } from './frame.js';

/** How long the other side may take to answer a close frame in milliseconds. */
const CLOSE_TIME = 2000;

/**
 * A WebSocket for Node.js 20, which has none: text messages only, no extensions. It is as strict as RFC 6455 wants and ends a
 * connection that breaks the protocol. onclose comes once, onmessage never after it.
 */
export class NodeWebSocket implements WebSocketLike {
  onopen: WebSocketLike['onopen'] = null;
  onmessage: WebSocketLike['onmessage'] = null;
  onclose: WebSocketLike['onclose'] = null;
  onerror: WebSocketLike['onerror'] = null;
  readonly #request: ClientRequest;
  readonly #decoder = new Decoder();
  #socket: Duplex | undefined;
  #closing = false; // a close frame was sent
  #closed = false;
  #code = 1006;
  #reason = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string) {
    const key = randomBytes(16).toString('base64');
    const target = new URL(url.replace(/^ws/, 'http'));
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key };
    this.#request = (target.protocol === 'https:' ? requestHTTPS : requestHTTP)(target, { headers, agent: false });
    this.#request.on('upgrade', (response, socket, head) => this.#open(key, response, socket, head));
    this.#request.on('response', (response) => this.#fail(`the server answered with status ${response.statusCode}`));
    this.#request.on('error', (error) => this.#fail(error.message));
    this.#request.end();
  }

  /** Sends a text message. Before the connection is open it throws, after its end it does nothing. */
  send(data: string): void {
    if (this.#closing || this.#closed) return;
    if (!this.#socket) throw new Error('the WebSocket is not open yet');
    this.#write(TEXT, Buffer.from(data));
  }

  /** Closes the connection; the code must be 1000 or 3000 to 4999. */
  close(code = 1000, reason = ''): void {
    if (this.#closing || this.#closed) return;
    if (this.#socket) this.#sendClose(code, reason);
    else this.#fail('closed before it was open');
  }

  #open(key: string, response: IncomingMessage, socket: Duplex, head: Buffer): void {
    const expected = createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    const { headers } = response;
    this.#socket = socket;
    socket.on('error', (error) => this.#fail(error.message));
    const upgraded = headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-accept'] === expected;
    if (!upgraded || headers['sec-websocket-extensions'] || headers['sec-websocket-protocol']) {
      this.#fail('the server did not agree to a plain WebSocket');
      return;
    }
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => this.#finish());
    socket.on('close', () => this.#finish());
    this.onopen?.({});
    this.#read(head);
  }

  #read(chunk: Buffer): void {
    try {
      for (const message of this.#decoder.push(chunk)) {
        if (this.#closed) return;
        this.#message(message);
      }
    } catch (error) {
      const code = error instanceof FrameError ? error.code : 1007; // what remains is bad UTF-8
      if (!this.#closing) this.#write(CLOSE, closePayload(code, ''));
      this.#fail((error as Error).message);
    }
  }

  #message({ opcode, payload }: Message): void {
    if (opcode === PING && !this.#closing) this.#write(PONG, payload);
    else if (opcode === CLOSE) this.#receiveClose(payload);
    else if (opcode === TEXT) {
      const data = text(payload);
      if (!this.#closing) this.onmessage?.({ data });
    }
  }

  #receiveClose(payload: Buffer): void {
    if (payload.length === 1) throw new FrameError(1002, 'a close frame with half a code');
    const code = payload.length === 0 ? 1005 : payload.readUInt16BE(0);
    if (payload.length > 0 && !validCode(code)) throw new FrameError(1002, 'a close code that may not be sent');
    const reason = text(payload.subarray(2));
    if (!this.#closing) this.#write(CLOSE, payload.subarray(0, 2));
    this.#closing = true;
    this.#finish(code, reason);
  }

  #sendClose(code: number, reason: string): void {
    this.#write(CLOSE, closePayload(code, reason));
    this.#closing = true;
    this.#timer = setTimeout(() => this.#finish(), CLOSE_TIME);
  }

  #write(opcode: number, payload: Buffer): void {
    this.#socket?.write(encode(opcode, payload));
  }

  #fail(reason: string): void {
    this.#request.destroy();
    this.#finish(1006, reason);
  }

  #finish(code = this.#code, reason = this.#reason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.end(() => this.#socket?.destroy());
    // As in browsers, never from within close, send or the constructor.
    queueMicrotask(() => this.onclose?.({ code, reason }));
  }
}

function closePayload(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
}

function validCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}

function text(payload: Buffer): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
}
