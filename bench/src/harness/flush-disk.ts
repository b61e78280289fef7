import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Has everything written that waits to be, or whoever is measured next would pay for what the one before has left. */
export async function flushDisk(): Promise<void> {
  await promisify(execFile)('sync')
}
