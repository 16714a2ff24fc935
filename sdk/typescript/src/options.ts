import { CODE } from './constants.js';
import { KithError } from './error.js';
import { gatewayURL, newDeviceID } from './host.js';
import type { Host } from './host.js';
import type { KithOptions, UserIDListOptions, WebSocketLike } from './types.js';

/** Options that were checked and filled in. */
export interface Settings {
  sdkAppID: number;
  platform: string;
  deviceID: string;
  timeout: number;
  queueLimit: number;
  getUserSig: (() => Promise<string>) | undefined;
  connect(): WebSocketLike;
}

/** Checks the options. Throws a KithError that says what to change. */
export function settings(options: KithOptions, host: Host): Settings {
  if (!Number.isInteger(options?.SDKAppID) || options.SDKAppID <= 0) {
    throw new KithError(CODE.NO_SDKAPPID, 'SDKAppID must be the number of your app');
  }
  const WebSocket = options.webSocket ?? host.webSocket;
  const url = address(options.url ?? host.url);
  return {
    sdkAppID: options.SDKAppID,
    platform: options.platform ?? host.platform,
    deviceID: options.deviceID ?? newDeviceID(),
    timeout: positive(options.timeout ?? 60_000, 'timeout'),
    queueLimit: positive(options.queueLimit ?? 100, 'queueLimit'),
    getUserSig: options.getUserSig,
    connect: () => new WebSocket(url),
  };
}

function address(url: string | undefined): string {
  try {
    return gatewayURL(url ?? '');
  } catch (cause) {
    throw new KithError(CODE.INVALID_PARAMETER, 'url must be the server as wss://host[:port]', undefined, cause);
  }
}

function positive(n: number, name: string): number {
  if (n > 0 && n < 2 ** 31) return n;
  throw new KithError(CODE.INVALID_PARAMETER, `${name} must be above 0 and below 2147483648`);
}

/** The most UserIDs that one call may name. */
const MOST = 1000;

/** Returns the UserIDs in an array of its own. Throws a KithError if they are not 1 to 1000 strings. */
export function userIDs(options: UserIDListOptions): string[] {
  const list: unknown = options?.userIDList;
  const fits = Array.isArray(list) && list.length > 0 && list.length <= MOST && list.every((id) => typeof id === 'string');
  if (!fits) throw new KithError(CODE.INVALID_PARAMETER, 'userIDList must be an array of 1 to 1000 UserIDs');
  return [...(list as string[])];
}
