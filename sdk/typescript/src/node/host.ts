import type { Host } from '../host.js';
import { NodeWebSocket } from './websocket.js';

/** Node.js, which says nothing of its network. */
export const node: Host = {
  platform: 'Unknown',
  url: undefined,
  webSocket: NodeWebSocket,
  watch: () => () => {},
};
