import type { LogEvent, Rule } from './evidence.ts'

/** Whoever named a position was shown the package as it was there or later, and as it really was at the revision that was shown. */
export const readersSawEnough: Rule = function* ({ history: { packageReads } }, log) {
  for (const { client, id, minPosition, shown } of packageReads) {
    const events = log.ofSubject('package', id)
    const least = log.revisionAt('package', id, minPosition)
    const here = `${client} asked for package ${id} at ${minPosition} (revision ${least})`
    if (!shown) {
      if (least > 0) yield `${here} and was told that there is none`
      continue
    }
    if (shown.revision < least) yield `${here} and was shown revision ${shown.revision}`
    if (shown.revision > events.length) yield `${here} and was shown revision ${shown.revision} of ${events.length}`
    const { state, fileCount } = packageAfter(events.slice(0, shown.revision))
    if (shown.state !== state || shown.fileCount !== fileCount)
      yield `${here} and was shown ${shown.state} with ${shown.fileCount} files, which at revision ${shown.revision} was ${state} with ${fileCount}`
  }
}

/** What its events make of a package: told here a second time. */
export function packageAfter(events: readonly LogEvent[]): { state: string; fileCount: number } {
  let [state, fileCount] = ['open', 0]
  for (const { type, payloadJson } of events) {
    if (type === 'v1.package.files-added') fileCount += filesOf(payloadJson).length
    if (type === 'v1.package.file-removed') fileCount -= 1
    if (type === 'v1.package.finalized') state = 'finalized'
    if (type === 'v1.package.discarded') [state, fileCount] = ['discarded', 0]
  }
  return { state, fileCount }
}

/** Of the payload of `v1.package.files-added`. */
export function filesOf(payloadJson: string): readonly { readonly path: string; readonly digest: string }[] {
  return (JSON.parse(payloadJson) as { files: { path: string; digest: string }[] }).files
}
