import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { besideLongTransaction } from '../harness/beside-long-transaction.ts'
import { withClient } from './databases.ts'
import { insertSelect } from './insert-select.ts'

export interface Outcome {
  readonly seconds: number
  readonly peakMegabytes?: number
}

/** How the views of the first so many events of the log in a database come about. Each begins with empty ones. */
export const ways = {
  replay: (url, events) => inProcess('replay', url, events),
  'replay beside a long transaction': (url, events) => besideLongTransaction(url, () => inProcess('replay', url, events)),
  rebuild: (url, events) => inProcess('rebuild', url, events),
  'INSERT … SELECT': byPlainSql,
} as const satisfies Record<string, (url: string, events: number) => Promise<Outcome>>

export type Way = keyof typeof ways

/** Those of these names, in the order in which they stand here; all of them where none are given. */
export function waysNamed(names: readonly string[] | undefined): readonly Way[] {
  const all = Object.keys(ways) as Way[]
  return names ? all.filter(way => names.includes(way)) : all
}

async function inProcess(how: string, url: string, events: number): Promise<Outcome> {
  const script = fileURLToPath(new URL('replay-process.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script, how, url, String(events)])
  const { position, seconds, peakMegabytes } = JSON.parse(stdout) as Outcome & { readonly position: number }
  if (position !== events) throw new Error(`the ${how} ended at ${position}, not at ${events}`)
  return { seconds, ...(peakMegabytes === undefined ? {} : { peakMegabytes }) }
}

function byPlainSql(url: string, events: number): Promise<Outcome> {
  return withClient(url, async client => {
    const begun = performance.now()
    await client.query('begin')
    await insertSelect(client, events)
    await client.query('commit')
    return { seconds: (performance.now() - begun) / 1000 }
  })
}
