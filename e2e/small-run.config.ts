import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// Makes a JUnit report and a coverage tree where there are none of `npm test`: the tests of one package, which need no server.
export default defineConfig({
  root: resolve(import.meta.dirname, '..'),
  test: {
    include: ['packages/core/test/**/*.test.ts'],
    coverage: { enabled: true, include: ['packages/core/src/**'] },
  },
})
