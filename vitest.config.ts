import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{packages,services}/*/test/**/*.test.ts', 'infra/test/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['packages/testkit/src/global-setup.ts'],
    // The tests wait for servers and disks more than they compute, so each processor has a worker, the one of vitest itself too.
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A second, as it is by default, may pass without a turn on a busy machine.
    expect: { poll: { timeout: 20_000 } },
    coverage: {
      provider: 'v8',
      include: ['{packages,services}/*/src/**/*.ts'],
      reportsDirectory: 'reports/coverage',
      reporter: ['html', 'lcovonly', 'text-summary'],
    },
  },
})
