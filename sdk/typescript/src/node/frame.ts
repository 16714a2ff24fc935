import { randomBytes } from 'node:crypto';

export const TEXT = 0x1;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** The largest message in bytes; a page of 1000 entries is a tenth of it. */
const MAX_MESSAGE = 1 << 20;

/** A server broke RFC 6455; code is that of the close frame. */
export class FrameError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A whole message, or a control frame. */
export interface Message {
  opcode: number;
  payload: Buffer;
}

/** A frame of a client: final and masked. */
export function encode(opcode: number, payload: Buffer): Buffer {
  const long = payload.length > 0xffff ? 8 : payload.length > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + long);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (long === 8 ? 127 : long === 2 ? 126 : payload.length);
  if (long === 2) head.writeUInt16BE(payload.length, 2);
  if (long === 8) head.writeBigUInt64BE(BigInt(payload.length), 2);
  const mask = randomBytes(4);
  const masked = Buffer.allocUnsafe(payload.length);
  for (let i = 0; i < payload.length; i++) masked[i] = (payload[i] as number) ^ (mask[i & 3] as number);
  return Buffer.concat([head, mask, masked]);
}

/** Takes a server's bytes apart, however they are cut, and puts fragments together. */
export class Decoder {
  #bytes: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #size = 0;
  #opcode = 0; // of the message under way

  /** Returns what is complete by now. Throws a FrameError for what a server may not send. */
  *push(chunk: Buffer): Generator<Message> {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const frame = this.#frame();
      if (!frame) return;
      const message = frame.opcode >= CLOSE ? frame : this.#assemble(frame);
      if (message) yield message;
    }
  }

  #frame(): (Message & { final: boolean }) | undefined {
    if (this.#bytes.length < 2) return undefined;
    const [first, second] = [this.#bytes.readUInt8(0), this.#bytes.readUInt8(1)];
    const opcode = first & 0x0f;
    const final = first >= 0x80;
    check(first, second);
    const marker = second & 0x7f;
    const head = marker === 127 ? 10 : marker === 126 ? 4 : 2;
    if (this.#bytes.length < head) return undefined;
    const size = head === 2 ? marker : head === 4 ? this.#bytes.readUInt16BE(2) : Number(this.#bytes.readBigUInt64BE(2));
    if (size > MAX_MESSAGE) throw new FrameError(1009, `a frame of ${size} bytes`);
    if (this.#bytes.length < head + size) return undefined;
    const payload = this.#bytes.subarray(head, head + size);
    this.#bytes = this.#bytes.subarray(head + size);
    return { opcode, final, payload };
  }

  #assemble({ opcode, final, payload }: Message & { final: boolean }): Message | undefined {
    const first = this.#opcode === 0;
    if (first === (opcode === 0)) throw new FrameError(1002, 'fragments out of order');
    if (first) this.#opcode = opcode;
    this.#size += payload.length;
    if (this.#size > MAX_MESSAGE) throw new FrameError(1009, `a message of more than ${MAX_MESSAGE} bytes`);
    this.#parts.push(payload);
    if (!final) return undefined;
    const message = { opcode: this.#opcode, payload: Buffer.concat(this.#parts) };
    this.#parts = [];
    this.#size = this.#opcode = 0;
    return message;
  }
}

/** Checks the first two bytes of a frame. */
function check(first: number, second: number): void {
  const opcode = first & 0x0f;
  const control = opcode >= CLOSE;
  if ((first & 0x70) !== 0) throw new FrameError(1002, 'reserved bits are set');
  if (second >= 0x80) throw new FrameError(1002, 'the server masked a frame');
  if (opcode === 2) throw new FrameError(1003, 'a binary message');
  if (opcode > PONG || (opcode > TEXT && !control)) throw new FrameError(1002, 'an unknown opcode');
  if (control && (first < 0x80 || (second & 0x7f) > 125)) throw new FrameError(1002, 'a control frame in fragments');
}
