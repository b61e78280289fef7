import { type AppEnv, problemOf } from '@artifact-store/service'
import type { Context } from 'hono'
import type { GatewayContext } from '../context.ts'
import { NdjsonAnswer } from '../http/ndjson-answer.ts'
import { checkBlobs } from './check-blobs.ts'
import { checkLog } from './check-log.ts'
import { checkReferences } from './check-references.ts'
import type { Finding, Progress } from './finding.ts'

/** How often it is told how far it is, in milliseconds; a client that hears nothing takes the connection for dead. */
const tellEveryMs = 2000

export interface StoreExamination {
  readonly c: Context<AppEnv>
  readonly gateway: GatewayContext
  readonly readBytes: boolean
  readonly signal: AbortSignal
}

/** Examines all that is stored, part by part, and answers with a line for each finding. What keeps it from ending is told by the last line. */
export async function examineStore({ c, gateway, readBytes, signal }: StoreExamination): Promise<Response> {
  const answer = new NdjsonAnswer(c)
  const { views, blobs, stores } = gateway
  const log: Progress = { part: 'log', done: 0, bytes: 0 }
  const stored: Progress = { part: 'blobs', done: 0, bytes: 0 }
  const references: Progress = { part: 'references', done: 0, bytes: 0 }
  let current = log
  let findings = 0
  let head = 0
  const tell = async (finding: Finding) => {
    findings += 1
    await answer.write([{ kind: 'finding', ...finding }])
  }
  const ticking = setInterval(() => void answer.write([{ kind: 'progress', ...current }]), tellEveryMs)
  let failure: unknown
  try {
    const logFindings = checkLog(gateway.records(), log, signal)
    for (let next = await logFindings.next(); ; next = await logFindings.next()) {
      if (next.done) {
        head = next.value
        break
      }
      await tell(next.value)
    }
    current = stored
    for await (const finding of checkBlobs({ views, blobs, stores, readBytes, progress: stored, signal })) await tell(finding)
    current = references
    for await (const finding of checkReferences(views, references, signal)) await tell(finding)
  } catch (error) {
    if (!answer.begun) throw error
    failure = error
  } finally {
    clearInterval(ticking)
  }
  const summary = {
    done: true,
    head,
    events: log.done,
    blobs: stored.done,
    files: references.done,
    bytes: stored.bytes,
    findings,
  }
  return answer.end(failure === undefined ? summary : { ...summary, problem: problemOf(failure, c.get('requestId')) })
}
