// NodeWebSocket against the server of the package ws, and against bytes that no good server sends.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { encode } from '../src/node/frame.js';
import { NodeWebSocket } from '../src/node/websocket.js';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** What a client was told, as promises. */
function listen(client: NodeWebSocket): {
  opened: Promise<void>; closed: Promise<{ code: number; reason: string }>; message(): Promise<string>;
} {
  const messages: string[] = [];
  const readers: ((message: string) => void)[] = [];
  client.onmessage = ({ data }) => {
    const reader = readers.shift();
    if (reader) reader(data as string);
    else messages.push(data as string);
  };
  return {
    opened: new Promise((resolve) => { client.onopen = () => resolve(); }),
    closed: new Promise((resolve) => { client.onclose = ({ code, reason }) => resolve({ code, reason }); }),
    message: () => new Promise((resolve) => {
      const message = messages.shift();
      if (message === undefined) readers.push(resolve);
      else resolve(message);
    }),
  };
}

/** A client and the server's end of its connection. */
async function pair(): Promise<{ client: NodeWebSocket; peer: WebSocket; told: ReturnType<typeof listen> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  closers.push(() => { server.clients.forEach((c) => c.terminate()); server.close(); });
  await once(server, 'listening');
  const client = new NodeWebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/v4/ws?a=b`);
  const told = listen(client);
  const [[peer, request]] = await Promise.all([once(server, 'connection'), told.opened]);
  expect(request.url).toBe('/v4/ws?a=b');
  return { client, peer, told };
}

/** A client of a server that answers the handshake as told and then sends raw bytes. */
async function raw(answer: (key: string) => string): Promise<{ told: ReturnType<typeof listen>; socket: Socket; client: NodeWebSocket }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new NodeWebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const told = listen(client);
  const [socket] = await once(server, 'connection') as [Socket];
  closers.push(() => { socket.destroy(); server.close(); });
  const [head] = await once(socket, 'data') as [Buffer];
  socket.write(answer(/Sec-WebSocket-Key: (\S+)/i.exec(head.toString())?.[1] ?? ''), 'latin1');
  return { told, socket, client };
}

function accept(key: string, extra = ''): string {
  const token = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return `HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${token}\r\n${extra}\r\n`;
}

/** The code of the close frame that a client sends, unmasked. */
async function closeCode(socket: Socket): Promise<number> {
  const [frame] = await once(socket, 'data') as [Buffer];
  expect(frame[0]).toBe(0x88);
  return ((frame[6] as number) ^ (frame[2] as number)) * 256 + ((frame[7] as number) ^ (frame[3] as number));
}

describe('with the server of ws', () => {
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 1_048_576])('a text of %i bytes goes both ways', async (size) => {
    const { client, peer, told } = await pair();
    peer.on('message', (data) => peer.send(String(data)));
    const text = 'x'.repeat(size);
    client.send(text);
    expect(await told.message()).toBe(text);
  });

  test('text is UTF-8', async () => {
    const { client, peer, told } = await pair();
    peer.on('message', (data) => peer.send(String(data)));
    client.send('\ufeff“é” 🙂');
    expect(await told.message()).toBe('\ufeff“é” 🙂');
  });

  test('fragments are put together, and a ping between them is answered', async () => {
    const { peer, told } = await pair();
    const pong = once(peer, 'pong');
    peer.send('one, ', { fin: false });
    peer.ping('beat');
    peer.send('two, ', { fin: false });
    peer.send('three', { fin: true });
    expect(await told.message()).toBe('one, two, three');
    expect(String((await pong)[0])).toBe('beat');
  });

  test.each([1000, 4000, 4200])('the server\'s close code %i arrives', async (code) => {
    const { peer, told } = await pair();
    const answered = once(peer, 'close');
    peer.close(code, 'why');
    expect(await told.closed).toEqual({ code, reason: 'why' });
    expect((await answered)[0]).toBe(code);
  });

  test('a close without a code is 1005, a cut connection 1006', async () => {
    const first = await pair();
    first.peer.close();
    expect((await first.told.closed).code).toBe(1005);
    const second = await pair();
    second.peer.terminate();
    expect((await second.told.closed).code).toBe(1006);
  });

  test('the client\'s close is told to the server, and nothing is sent after it', async () => {
    const { client, peer, told } = await pair();
    const messages: unknown[] = [];
    peer.on('message', (data) => messages.push(data));
    const closed = once(peer, 'close');
    client.close(4999, 'done');
    client.send('too late');
    client.close();
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([4999, 'done']);
    await told.closed;
    client.send('too late');
    expect(messages).toEqual([]);
  });
});

describe('with a server that breaks the rules', () => {
  const frame = (...bytes: number[]): Buffer => Buffer.from(bytes);
  test.each<[string, Buffer, number]>([
    ['a masked frame', encode(1, Buffer.from('a')), 1002],
    ['reserved bits', frame(0xc1, 0), 1002],
    ['an unknown opcode', frame(0x83, 0), 1002],
    ['an unknown control opcode', frame(0x8b, 0), 1002],
    ['a binary message', frame(0x82, 1, 0), 1003],
    ['a long ping', frame(0x89, 126, 0, 126), 1002],
    ['a ping in fragments', frame(0x09, 0), 1002],
    ['a continuation of nothing', frame(0x80, 0), 1002],
    ['a message within another', frame(0x01, 1, 97, 0x81, 1, 98), 1002],
    ['bad UTF-8', frame(0x81, 2, 0xc3, 0x28), 1007],
    ['a close frame of one byte', frame(0x88, 1, 3), 1002],
    ['a close code that may not be sent', frame(0x88, 2, 0x03, 0xee), 1002],
    ['a frame above the limit', frame(0x81, 127, 0, 0, 0, 0, 0, 0x10, 0, 1), 1009],
    ['a frame of 2^63 bytes', frame(0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0), 1009],
  ])('%s ends the connection', async (_, bytes, code) => {
    const { told, socket } = await raw(accept);
    const sent = closeCode(socket);
    socket.write(bytes);
    expect(await sent).toBe(code);
    expect((await told.closed).code).toBe(1006);
  });

  test('fragments above the limit end the connection', async () => {
    const { told, socket } = await raw(accept);
    const half = Buffer.alloc(600_000, 'a');
    const head = Buffer.from([0x01, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.writeBigUInt64BE(BigInt(half.length), 2);
    const sent = closeCode(socket);
    socket.write(Buffer.concat([head, half]));
    head[0] = 0x00;
    socket.write(Buffer.concat([head, half]));
    expect(await sent).toBe(1009);
    await told.closed;
  });

  test.each<[string, (key: string) => string]>([
    ['another status', () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'],
    ['a wrong key', () => accept('another')],
    ['another protocol', (key) => accept(key).replace('websocket', 'h2c')],
    ['an extension', (key) => accept(key, 'Sec-WebSocket-Extensions: permessage-deflate\r\n')],
    ['a subprotocol', (key) => accept(key, 'Sec-WebSocket-Protocol: chat\r\n')],
    ['no HTTP', () => 'what?\r\n\r\n'],
  ])('%s in the handshake fails it', async (_, answer) => {
    const { told } = await raw(answer);
    expect((await told.closed).code).toBe(1006);
  });

  test('bytes arrive one at a time, some with the handshake', async () => {
    const { told, socket } = await raw((key) => `${accept(key)}\x81`);
    for (const byte of [2, 104, 105]) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await told.message()).toBe('hi');
  });
});

test('nobody listens there', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  expect((await listen(new NodeWebSocket(`ws://127.0.0.1:${port}/`)).closed).code).toBe(1006);
});

test('close before it is open, and send before it is open', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  closers.push(() => server.close());
  await once(server, 'listening');
  const client = new NodeWebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect(() => client.send('x')).toThrow('not open');
  const { closed } = listen(client);
  client.close();
  expect((await closed).code).toBe(1006);
});
