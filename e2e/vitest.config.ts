import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// The system as its users see it: real processes, one file of tests after the other, so that they do not starve each other.
export default defineConfig({
  root: resolve(import.meta.dirname, '..'),
  test: {
    include: ['e2e/test/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
