import type { WebSocketLike } from './types.js';

/** What differs between browsers and Node.js. */
export interface Host {
  platform: string;
  /** Where the gateway is if the app does not say. */
  url: string | undefined;
  webSocket: new (url: string) => WebSocketLike;
  /** Calls wake when it is worth trying to connect at once, and lost when the network is gone; returns how to stop. */
  watch(wake: () => void, lost: () => void): () => void;
}

/** Makes up a device: unique, and not guessable. */
export function newDeviceID(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return 'js-' + [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** The gateway's address: wss for https, and its path unless there is one. Throws for what is no address. */
export function gatewayURL(address: string): string {
  const url = new URL(address.replace(/^http/, 'ws'));
  if (url.protocol !== 'wss:' && url.protocol !== 'ws:') throw new TypeError(`url is ${address}; it must be wss://host`);
  if (url.pathname === '/') url.pathname = '/v4/ws';
  url.hash = '';
  return url.href;
}
