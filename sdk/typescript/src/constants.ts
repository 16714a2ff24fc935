/** Names of the events, for {@link Chat.on}. */
export const EVENT = {
  /** The user is logged in and the blocklist is in hand. */
  SDK_READY: 'sdkStateReady',
  /** The session is over: logged out, put out or refused. A lost connection does not end a session. */
  SDK_NOT_READY: 'sdkStateNotReady',
  /** The user's blocklist changed, by whatever device; data is the whole list. */
  BLACKLIST_UPDATED: 'blacklistUpdated',
  /** The session was ended by somebody else; data.type says why. It comes after SDK_NOT_READY. */
  KICKED_OUT: 'kickedOut',
  /** The connection came, went, or is being made; see data.state. */
  NET_STATE_CHANGE: 'netStateChange',
  /** Something went wrong that belongs to no call. */
  ERROR: 'error',
  /** The UserSig ends soon. With the option getUserSig it is renewed without your doing. */
  USERSIG_EXPIRING: 'userSigExpiring',
} as const;

/** Values of data.type of KICKED_OUT and of data.state of NET_STATE_CHANGE. */
export const TYPES = {
  /** Another device logged in, and the app allows only so many. */
  KICKED_OUT_MULT_DEVICE: 'multipleDevice',
  /** The app backend kicked the user, which voids the UserSig. */
  KICKED_OUT_REST_API: 'REST_API_Kick',
  /** The UserSig ended and there is no new one. */
  KICKED_OUT_USERSIG_EXPIRED: 'userSigExpired',
  /** The server refuses the session for another reason: the account was deleted, the app disabled; see data.code. */
  KICKED_OUT_REFUSED: 'refused',
  NET_STATE_CONNECTED: 'connected',
  NET_STATE_CONNECTING: 'connecting',
  NET_STATE_DISCONNECTED: 'disconnected',
} as const;

/** Codes of this SDK's own errors. All others come from the server and are the numbers of its REST API. */
export const CODE = {
  NO_SDKAPPID: 2000,
  NO_IDENTIFIER: 2002,
  /** No UserSig: none was given, or getUserSig failed. */
  NO_USERSIG: 2003,
  /** Call login first. */
  USER_NOT_LOGGED_IN: 2024,
  /** Another user is logged in; log out first. */
  REPEAT_LOGIN: 2025,
  /** The call was not answered in time. It may have been carried out if it was sent. */
  TIMEOUT: 2801,
  /** More calls are waiting than the option queueLimit allows. */
  QUEUE_FULL: 2990,
  /** The user was logged out before the call was answered. */
  LOGGED_OUT: 2991,
  /** The session was ended by somebody else before the call was answered. */
  KICKED_OUT: 2992,
  /** destroy was called. */
  DESTROYED: 2993,
  /** The call is larger than the server reads. */
  FRAME_TOO_LARGE: 2994,
  /** An argument is wrong; the same number as the server's. */
  INVALID_PARAMETER: 30001,
} as const;

/** Why a session was ended by somebody else. */
export type KickType =
  | typeof TYPES.KICKED_OUT_MULT_DEVICE
  | typeof TYPES.KICKED_OUT_REST_API
  | typeof TYPES.KICKED_OUT_USERSIG_EXPIRED
  | typeof TYPES.KICKED_OUT_REFUSED;

/** Where the connection stands. */
export type NetState =
  | typeof TYPES.NET_STATE_CONNECTED
  | typeof TYPES.NET_STATE_CONNECTING
  | typeof TYPES.NET_STATE_DISCONNECTED;
