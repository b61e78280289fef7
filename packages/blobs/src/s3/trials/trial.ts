import type { Abortable } from '../../blob-store.ts'
import type { Capability } from '../../capability.ts'
import type { S3Calls } from '../calls.ts'

/** What a trial works with. */
export interface Bench extends Abortable {
  readonly calls: S3Calls
  /** A key of its own for each call; what stands there is removed after the trials. */
  newKey(): string
}

/** Whether it works, and what was seen. */
export interface Verdict {
  readonly works: boolean
  readonly seen: string
}

/** Tries one capability of a server. What it throws means that it could not be tried. */
export interface Trial {
  readonly capability: Capability
  run(bench: Bench): Promise<Verdict>
}

export function works(seen: string): Verdict {
  return { works: true, seen }
}

export function fails(seen: string): Verdict {
  return { works: false, seen }
}

/** The bytes that trials store: no two neighbours alike, so that bytes from a wrong place are other bytes. */
export function sample(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}
