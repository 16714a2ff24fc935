import type { EVENT, KickType, NetState } from './constants.js';
import type { KithError } from './error.js';

/** The part of WebSocket that this SDK uses. Of events it reads data, code and reason; any, so that every kind fits. */
export interface WebSocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** Options of create. */
export interface KithOptions {
  /** The app's number. */
  SDKAppID: number;
  /** The server, as wss://host[:port]; the path is /v4/ws unless you name one. Default in browsers: the page's host. */
  url?: string;
  /** Makes a UserSig for the user who is logged in: asks your backend. An empty string says: this user is not to be
   * logged in any more. A rejection is tried again later. */
  getUserSig?: () => Promise<string>;
  /** Web, Android, iOS, Windows, Mac, iPad or Unknown. Default: Web in browsers, Unknown in Node.js. */
  platform?: string;
  /** 1 to 64 bytes of printable ASCII. Default: a new one for each object, so that two tabs are two devices. */
  deviceID?: string;
  /** How long a call, login included, may take with waiting and all, in milliseconds. Default 60000. */
  timeout?: number;
  /** How many calls may wait. Default 100. */
  queueLimit?: number;
  /** Stands in for WebSocket. */
  webSocket?: new (url: string) => WebSocketLike;
}

/** Argument of login. userSig may be left out where the option getUserSig is given. */
export interface LoginOptions {
  userID: string;
  userSig?: string;
}

/** Argument of addToBlacklist and removeFromBlacklist: 1 to 1000 UserIDs. */
export interface UserIDListOptions {
  userIDList: string[];
}

/** The outcome for one UserID. code is 0 or the server's number, info its text for it. */
export interface UserIDResult {
  userID: string;
  code: number;
  info: string;
}

/** What every promise resolves with. */
export interface KithResponse<T> {
  code: 0;
  data: T;
}

/** What addToBlacklist and removeFromBlacklist resolve with; data are the UserIDs that succeeded. */
export interface BlacklistResponse extends KithResponse<string[]> {
  results: UserIDResult[];
}

/** Data of login's answer. repeatLogin: this user was logged in already. */
export interface LoginData {
  actionStatus: 'OK';
  errorCode: 0;
  errorInfo: '';
  repeatLogin: boolean;
}

/** Data of KICKED_OUT. */
export interface KickedOut {
  type: KickType;
  code: number;
  message: string;
  refusal: number | undefined;
}

/** The data of each event. */
export interface EventData {
  [EVENT.SDK_READY]: undefined;
  [EVENT.SDK_NOT_READY]: undefined;
  [EVENT.BLACKLIST_UPDATED]: string[];
  [EVENT.KICKED_OUT]: KickedOut;
  [EVENT.NET_STATE_CHANGE]: { state: NetState };
  [EVENT.ERROR]: KithError;
  /** expireTime is in Unix seconds. */
  [EVENT.USERSIG_EXPIRING]: { expireTime: number };
}

/** The name of an event. */
export type EventName = keyof EventData;

/** What a listener gets. */
export interface KithEvent<N extends EventName> {
  name: N;
  data: EventData[N];
}

/** A listener. What it throws is printed and does no harm. */
export type Listener<N extends EventName> = (event: KithEvent<N>) => void;
