import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{packages,services}/*/test/**/*.test.ts', 'infra/test/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['packages/testkit/src/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['{packages,services}/*/src/**/*.ts'],
      reportsDirectory: 'reports/coverage',
      reporter: ['html', 'lcovonly', 'text-summary'],
    },
  },
})
