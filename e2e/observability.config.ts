import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// What needs a real Prometheus: `npm run test:observability`.
export default defineConfig({
  root: resolve(import.meta.dirname, '..'),
  test: {
    include: ['infra/test/**/*.prometheus-test.ts'],
    globalSetup: ['packages/testkit/src/global-setup.ts'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
