import { CODE, TYPES } from './constants.js';
import type { KickType } from './constants.js';
import { KithError } from './error.js';
import { advice, REFUSAL_KICKED, REFUSAL_REVOKED } from './protocol.js';

/** Says why the server, or the want of a UserSig, ended a session. */
export function kickType(error: KithError): KickType {
  if (error.refusal === REFUSAL_KICKED) return TYPES.KICKED_OUT_MULT_DEVICE;
  if (error.refusal === REFUSAL_REVOKED) return TYPES.KICKED_OUT_REST_API;
  const old = advice(error.refusal) === 'login' || error.code === CODE.NO_USERSIG;
  return old ? TYPES.KICKED_OUT_USERSIG_EXPIRED : TYPES.KICKED_OUT_REFUSED;
}

/** What calls are rejected with that waited when the session was ended. */
export function kickError(cause: KithError): KithError {
  return new KithError(CODE.KICKED_OUT, `the session was ended: ${cause.message}`, cause.refusal, cause);
}
