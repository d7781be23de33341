import { defineConfig } from 'vitest/config';

const apart = ['test/sim/**', 'test/net/**', 'test/pack/**', 'test/fuzz/**'];

/**
 * Five kinds of test: tables, machines and properties (unit), scenarios on the virtual clock (sim),
 * real sockets and network namespaces, one at a time (net), what was packed (pack),
 * a million hostile inputs per decoder (fuzz).
 */
export default defineConfig({
  test: {
    // By default one core stays idle; on the two of a small machine that is half of the time of `make check`.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: apart,
          setupFiles: ['test/lengths.ts'],
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
          // Where tests of one file may run side by side, they are programs that mostly wait.
          maxConcurrency: 3,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'pack',
          include: ['test/pack/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          pool: 'forks',
          execArgv: ['--expose-gc'],
          testTimeout: 900_000,
        },
      },
    ],
  },
});
