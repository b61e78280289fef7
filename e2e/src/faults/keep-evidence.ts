import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Evidence, Violation } from './check/evidence.ts'
import type { Plan } from './plan.ts'

/** Leaves behind what a person needs to understand a failure: one JSON document a line in each file, beside the logs of the processes and the notes. */
export async function keepEvidence(
  directory: string,
  plan: Plan,
  { history, remains }: Evidence,
  violations: readonly Violation[],
): Promise<void> {
  // It is large, and the log is here as text.
  await rm(join(directory, 'postgres'), { recursive: true, force: true })
  const faults = plan.faults.map(({ fault, at, lasts }) => ({ fault: fault.name, at, lasts }))
  const { log, stream, blobs, ...others } = remains
  const files: Readonly<Record<string, readonly unknown[]>> = {
    violations,
    plan: [{ ...plan, faults }],
    log,
    stream,
    remains: [{ ...others, blobs: Object.fromEntries(blobs) }],
    ...history,
  }
  for (const [name, lines] of Object.entries(files))
    await writeFile(join(directory, `${name}.ndjson`), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
}
