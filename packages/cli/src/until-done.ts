import { ArtifactError, type ViewTask, type ViewTaskWithResult } from '@artifact-store/client'
import type { Session } from './session.ts'

/** How often to say how far it is while it stays in one phase, in milliseconds. */
const sayAgainMs = 10_000

/** Waits until a task on the views is done, and says now and then how far it is. @throws ArtifactError when it ends in another way. */
export async function untilDone({ client, output, signal }: Session, { id, kind }: ViewTask): Promise<ViewTaskWithResult> {
  let said: { phase: string; at: number } | undefined
  const onProgress = ({ phase, position }: ViewTask) => {
    const now = performance.now()
    if (said?.phase === phase && now - said.at < sayAgainMs) return
    said = { phase, at: now }
    output.note(`${kind} ${id}: ${phase === 'waiting' ? 'waiting for a projector' : `${phase}, at ${position ?? 0}`}`)
  }
  try {
    const task = await client.views.ended(id, { signal, onProgress })
    if (task.phase === 'done') return task
    throw new ArtifactError('precondition-failed', task.error ?? `${kind} ${id} was given up; the views are as they were`)
  } catch (error) {
    if (signal.aborted) output.note(`${kind} ${id} goes on: "artifact admin rebuild status" tells of it`)
    throw error
  }
}
