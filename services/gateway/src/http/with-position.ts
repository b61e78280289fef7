import type { AppEnv } from '@artifact-store/service'
import type { Context } from 'hono'
import type { ViewsFollower } from '../views-follower.ts'
import { prefers } from './preferences.ts'
import { setHeader } from './set-header.ts'

/** The header that carries a position of the log: of a write in answers, the least to be seen in requests. */
export const positionHeader = 'artifact-position'
export const minPositionHeader = 'artifact-min-position'

/**
 * Says at which position of the log a write is, once reads show it. A client that does not want to wait for that says
 * `Prefer: respond-async` (RFC 7240), and reads with `Artifact-Min-Position` later. A repeat that wrote nothing has no position.
 */
export async function answerAt(c: Context<AppEnv>, follower: ViewsFollower, position: number | undefined): Promise<void> {
  if (position === undefined) return
  if (!prefersAsync(c)) return answerBehind(c, follower, position)
  setHeader(c, positionHeader, String(position))
  setHeader(c, 'preference-applied', 'respond-async')
}

/** The same where the answer itself is read from the views. */
export async function answerBehind(c: Context<AppEnv>, follower: ViewsFollower, position: number | undefined): Promise<void> {
  if (position === undefined) return
  setHeader(c, positionHeader, String(position))
  await follower.reached(position)
}

/** Whether the client does not want to wait until reads show what it wrote. */
export function prefersAsync(c: Context<AppEnv>): boolean {
  return prefers(c, 'respond-async')
}
