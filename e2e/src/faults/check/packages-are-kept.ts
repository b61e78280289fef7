import type { GatewayCall } from '../history.ts'
import type { LogIndex, Rule } from './evidence.ts'
import { seals } from './log-index.ts'
import { filesOf, packageAfter } from './readers-saw-enough.ts'

/** What the gateway acknowledged is in the log as it was said, where it was said; what it refused had to be refused. */
export const packagesAreKept: Rule = function* ({ history: { gatewayCalls }, remains }, log) {
  for (const call of gatewayCalls) yield* judge(call, log)
  const created = gatewayCalls.flatMap(({ call, answer }) =>
    call.does === 'create' && answer.outcome === 'created' ? [{ key: call.key, id: answer.id }] : [],
  )
  for (const [key, packages] of Map.groupBy(created, one => one.key)) {
    const ids = new Set(packages.map(({ id }) => id))
    if (ids.size > 1) yield `the key ${key} made ${ids.size} packages`
  }
  const ids = new Set(remains.log.flatMap(event => (event.kind === 'package' ? [event.id] : [])))
  for (const id of ids) yield* judgeHistory(id, log)
}

function* judge({ client, call, answer, exchanges }: GatewayCall, log: LogIndex): Generator<string> {
  const here = `${client}, ${JSON.stringify(call)}`
  const told = exchanges.findLast(exchange => exchange.status < 300)
  const position = told?.position
  if (position !== undefined && position > log.head) yield `${here} was told position ${position}, the log ends at ${log.head}`
  const id = answer.outcome === 'created' ? answer.id : 'id' in call ? call.id : ''
  const events = log.ofSubject('package', id)
  const has = (type: string, sequence?: number) =>
    events.some(event => event.type === type && (sequence === undefined || event.sequence === sequence))
  switch (answer.outcome) {
    case 'created':
      if (!has('v1.package.created', position)) yield `${here} made ${id}, which is not in the log (at ${position})`
      break
    case 'stored': {
      if (call.does !== 'put') break
      const places = placesOf(call, log)
      if (places.length === 0) yield `${here} was stored, and is not in the log`
      else if (told?.status === 201 && position !== undefined && !places.includes(position))
        yield `${here} was told position ${position}, and is at ${places.join(', ')}`
      break
    }
    case 'finalized': {
      const seal = events.find(event => event.type === 'v1.package.finalized')
      const { manifestDigest, fileCount } = answer
      const sealed = seal && (JSON.parse(seal.payloadJson) as { manifestDigest: string; fileCount: number })
      if (sealed?.manifestDigest !== manifestDigest || sealed.fileCount !== fileCount)
        yield `${here} was told the manifest ${manifestDigest} of ${fileCount} files, which is not in the log`
      break
    }
    case 'discarded':
      if (!has('v1.package.discarded')) yield `${here} was discarded, and is not in the log`
      break
    case 'refused':
      if (answer.kind === 'package-sealed' && !log.sealAt('package', id, log.head))
        yield `${here} was refused, as if it were sealed`
      if (answer.kind === 'package-not-found' && events.length > 0) yield `${here} was told that there is no such package`
      if (answer.kind === 'path-taken' && call.does === 'put' && !isTaken(call, log))
        yield `${here} was told that its path is taken`
      break
    case 'unknown':
    case 'broken':
  }
}

type Put = Extract<GatewayCall['call'], { readonly does: 'put' }>

function placesOf({ id, path, digest }: Put, log: LogIndex): number[] {
  return log.ofSubject('package', id).flatMap(event => {
    const files = event.type === 'v1.package.files-added' ? filesOf(event.payloadJson) : []
    return files.some(file => file.path === path && file.digest === digest) ? [event.sequence] : []
  })
}

function isTaken({ id, path, digest }: Put, log: LogIndex): boolean {
  const files = log
    .ofSubject('package', id)
    .flatMap(event => (event.type === 'v1.package.files-added' ? filesOf(event.payloadJson) : []))
  return files.some(file => file.path === path && file.digest !== digest)
}

/** Nobody removes files here, so each path is added once; a sealed package takes no more, and its seal counts what is in it. */
function* judgeHistory(id: string, log: LogIndex): Generator<string> {
  const events = log.ofSubject('package', id)
  const paths = events.flatMap(event =>
    event.type === 'v1.package.files-added' ? filesOf(event.payloadJson).map(file => file.path) : [],
  )
  const twice = paths.find((path, index) => paths.indexOf(path) !== index)
  if (twice !== undefined) yield `the path ${twice} was added twice to package ${id}`
  const seal = events.findIndex(event => seals(event.type))
  if (seal < 0) return
  const late = events.slice(seal + 1).find(event => event.type === 'v1.package.files-added')
  if (late) yield `files were added to package ${id} by event ${late.sequence}, after it was sealed by ${events[seal]?.sequence}`
  const sealing = events[seal]
  if (sealing?.type !== 'v1.package.finalized') return
  const { fileCount } = JSON.parse(sealing.payloadJson) as { fileCount: number }
  if (packageAfter(events.slice(0, seal)).fileCount !== fileCount) yield `the seal of package ${id} counts ${fileCount} files`
}
