import { type PushProgress, type PushResult, type PushTarget, push } from '@artifact-store/client'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { collectPair, defineCommand, inSession, type Surroundings, wholeNumber } from '../command.ts'
import { ProgressBar } from '../progress-bar.ts'
import type { Progress } from '../progress-line.ts'
import type { Session } from '../session.ts'
import { count, formatBytes } from '../sizes.ts'
import { renderFields } from '../table.ts'

interface PushFlags {
  readonly name?: string
  readonly kind?: string
  readonly version?: string
  readonly producer?: string
  readonly label?: Record<string, string>
  readonly input?: Input[]
  readonly retentionClass?: string
  readonly package?: string
  readonly concurrency: number
}

interface Input {
  readonly uri: string
  readonly digest?: string | undefined
}

export function pushCommand(surroundings: Surroundings): Command {
  return defineCommand('push', 'push all files of a directory as a package, and finalize it')
    .argument('<directory>', 'the directory')
    .option('--name <name>', 'what the package is called, e.g. ci/nightly')
    .option('--kind <kind>', 'what it is, e.g. evidence')
    .option('--version <version>', 'which one of its name it is')
    .option('--producer <producer>', 'what made it: a job, a tool, a person')
    .option('--label <key=value>', 'a label to find it by; may be given several times', collectPair)
    .option('--input <uri[@digest]>', 'what it was made from; may be given several times', collectInput)
    .option('--retention-class <class>', 'the class by which a policy decides how long it is kept')
    .addOption(
      new Option('--package <id>', 'go on with this open package, of which a push was broken off').conflicts([
        'name',
        'kind',
        'version',
        'producer',
        'label',
        'input',
        'retentionClass',
      ]),
    )
    .option('--concurrency <n>', 'how many files move at once', wholeNumber(1, 64), 8)
    .addHelpText('after', '\nExample:\n  artifact push reports/ --name ci/nightly --kind evidence --label branch=main')
    .action(async (directory: string, flags: PushFlags, command: Command) => {
      const target = targetOf(flags, command)
      await inSession(surroundings, command, session => run(session, directory, target, flags.concurrency))
    })
}

function targetOf(flags: PushFlags, command: Command): PushTarget {
  const { name, kind, version, producer, label: labels, input: inputs, retentionClass } = flags
  if (flags.package !== undefined) return { packageId: flags.package }
  if (name === undefined) return command.error("error: required option '--name <name>' not specified")
  if (kind === undefined) return command.error("error: required option '--kind <kind>' not specified")
  return { name, kind, version, producer, labels, inputs, retentionClass }
}

async function run(session: Session, directory: string, target: PushTarget, concurrency: number): Promise<void> {
  const { output, json } = session
  const pushed = await pushWithBar(session, directory, target, concurrency)
  if (pushed.emptyDirectories > 0) {
    const what = count(pushed.emptyDirectories, 'empty directory was', 'empty directories were')
    output.note(`${what} left out: a package holds files only`)
  }
  if (json) return await output.json(pushed)
  await output.lines(
    renderFields([
      ['package', pushed.id],
      ['files', `${pushed.fileCount}, ${formatBytes(pushed.totalSize)}; ${formatBytes(pushed.sentBytes)} had to be sent`],
      ['manifest', pushed.manifestDigest],
      ['', pushed.manifestSha256],
    ]),
  )
}

async function pushWithBar(
  { client, output, signal }: Session,
  directory: string,
  target: PushTarget,
  concurrency: number,
): Promise<PushResult> {
  let packageId: string | undefined
  using bar = new ProgressBar(output)
  const onProgress = (progress: PushProgress) => {
    packageId = progress.packageId
    bar.update(toProgress(progress))
  }
  try {
    return await push(client, directory, { ...target, concurrency, signal, onProgress })
  } catch (error) {
    if (packageId !== undefined) {
      output.note(
        `package ${packageId} is open still: go on with "artifact push … --package ${packageId}", or "artifact discard ${packageId}"`,
      )
    }
    throw error
  }
}

function toProgress(progress: PushProgress): Progress {
  const { phase, bytesTotal, bytesHashed, bytesStored, filesStored, filesTotal } = progress
  return {
    label: phase === 'finalizing' ? 'finalizing' : 'pushing',
    // Hashing and storing are two passes over the same bytes.
    fraction: bytesTotal === 0 ? filesStored / filesTotal : (bytesHashed + bytesStored) / (2 * bytesTotal),
    filesDone: filesStored,
    filesTotal,
    bytesDone: bytesStored,
    bytesTotal,
  }
}

function collectInput(text: string, soFar: readonly Input[] = []): Input[] {
  const [, uri, digest] = /^(.+?)(?:@((?:blake3|sha256):[0-9a-f]{64}))?$/.exec(text) ?? []
  if (uri === undefined) throw new InvalidArgumentError('Give a URI, and behind an @ its digest where there is one.')
  return [...soFar, { uri, digest }]
}
