import type { Host } from './host.js';

/** The browser: pages, and workers, which have no document. */
export const browser: Host = {
  platform: 'Web',
  get url() {
    return typeof location === 'undefined' ? undefined : location.origin;
  },
  get webSocket() {
    return WebSocket;
  },
  watch(wake, lost) {
    if (typeof addEventListener === 'undefined') return () => {};
    const shown = (): void => {
      if (document.visibilityState === 'visible') wake();
    };
    const page = typeof document === 'undefined' ? undefined : document;
    addEventListener('online', wake);
    addEventListener('offline', lost);
    page?.addEventListener('visibilitychange', shown);
    return () => {
      removeEventListener('online', wake);
      removeEventListener('offline', lost);
      page?.removeEventListener('visibilitychange', shown);
    };
  },
};
