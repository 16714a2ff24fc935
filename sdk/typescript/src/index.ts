import { browser } from './browser.js';
import { Chat } from './chat.js';
import { CODE, EVENT, TYPES } from './constants.js';
import { KithError } from './error.js';
import type { KithOptions } from './types.js';
import { VERSION } from './version.js';

/** Makes a client. Throws a KithError if an option is wrong. Each call makes another one. */
export function create(options: KithOptions): Chat {
  return new Chat(options, browser);
}

/** Everything, under the names that pages are used to. */
const Kith = { create, EVENT, TYPES, CODE, VERSION, KithError };
export default Kith;

export { Chat, CODE, EVENT, KithError, TYPES, VERSION };
export type { KickType, NetState } from './constants.js';
export type * from './types.js';
