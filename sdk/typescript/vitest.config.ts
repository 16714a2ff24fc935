import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/*.test.ts'], exclude: ['test/real.test.ts'], restoreMocks: true, setupFiles: ['test/setup.ts'] },
});
