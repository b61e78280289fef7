import { ArtifactError, type PackageId } from '@artifact-store/core'
import { type AppEnv, problemOf } from '@artifact-store/service'
import type { Context } from 'hono'
import type { GatewayContext } from '../context.ts'
import { NdjsonAnswer } from '../http/ndjson-answer.ts'
import { receiveBody } from '../http/receive-body.ts'
import { prefersAsync } from '../http/with-position.ts'
import { addTar } from './add-tar.ts'

export const tarType = 'application/x-tar'

/**
 * Adds the files of a tar stream, and answers with a line of JSON for each as soon as it is in the log, then one that says how it ended.
 * @throws what ends the stream before the first line is sent.
 */
export async function answerTar(
  c: Context<AppEnv>,
  gateway: GatewayContext,
  { id, actor, signal }: { id: PackageId; actor: string; signal: AbortSignal },
): Promise<Response> {
  const body = receiveBody(c, { idleMs: gateway.bodyIdleMs })
  if (body.expect.length > 0) {
    throw new ArtifactError(
      'invalid-request',
      'the digest of a tar stream is not checked, as its files are taken while it arrives: give the digest of each file in its pax header',
    )
  }
  const answer = new NdjsonAnswer(c)
  const { failure, ...summary } = await addTar(gateway, { id, actor, bytes: body.open(), signal }, results =>
    answer.write(results),
  )
  if (failure !== undefined && !answer.begun) throw failure
  gateway.countRefusal(failure)
  // Also where the stream ended early: reads show what its lines say.
  const unseen = await notShown(c, gateway, summary.position)
  const problem = failure ?? unseen
  return answer.end({
    done: true,
    ...summary,
    ...(problem === undefined ? {} : { problem: problemOf(problem, c.get('requestId')) }),
  })
}

/** Why reads do not show the write in time; undefined when they do, or the client does not want to wait for it. */
async function notShown(c: Context<AppEnv>, gateway: GatewayContext, position: number | undefined): Promise<unknown> {
  if (position === undefined || prefersAsync(c)) return undefined
  try {
    await gateway.follower.reached(position)
    return undefined
  } catch (error) {
    return error
  }
}
