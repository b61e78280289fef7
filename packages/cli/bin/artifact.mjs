#!/usr/bin/env node
// Runs on any Node from 20 on; the command itself runs on the Node that the workspace brings, installed here at first use.
import { fileURLToPath } from 'node:url'
import { main } from '../../../scripts/with-runtime.mjs'

await main(fileURLToPath(new URL('../src/main.ts', import.meta.url)), process.argv.slice(2))
