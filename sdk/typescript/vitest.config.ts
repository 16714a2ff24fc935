import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/*.test.ts'], exclude: ['test/real.test.ts'], restoreMocks: true, setupFiles: ['test/setup.ts'],
    testTimeout: 60_000, hookTimeout: 60_000, // a busy machine may stand still for a while
  },
});
