import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// What needs a real Ceph gateway: `npm run test:s3`.
export default defineConfig({
  root: resolve(import.meta.dirname, '..'),
  test: {
    include: ['packages/*/test/**/*.s3-test.ts', 'e2e/test/**/*.s3-test.ts'],
    globalSetup: ['packages/testkit/src/global-setup.ts', 'packages/testkit/src/ceph/ceph-global-setup.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
