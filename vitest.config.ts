import { defineConfig } from 'vitest/config';

// Three kinds of test: tables, machines and properties (unit), scenarios on the virtual clock (sim),
// real sockets and network namespaces (net, one at a time).
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/sim/**', 'test/net/**'],
          isolate: false,
          testTimeout: 30_000,
        },
      },
      { test: { name: 'sim', include: ['test/sim/**/*.test.ts'], isolate: false, testTimeout: 120_000 } },
      {
        test: {
          name: 'net',
          include: ['test/net/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
