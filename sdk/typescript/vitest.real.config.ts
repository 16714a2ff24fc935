import { defineConfig } from 'vitest/config';

// Run by the Go test of this folder, which starts the server.
export default defineConfig({ test: { include: ['test/real.test.ts'], testTimeout: 180_000, hookTimeout: 60_000 } });
