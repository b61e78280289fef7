import { isArtifactError } from '@artifact-store/core'
import { readConfig } from '../config.ts'
import { stopSignals } from '../stop-signals.ts'
import { makeBackup } from './backup.ts'
import { backupFailure } from './failure.ts'
import { restoreBackup } from './restore.ts'

const usages = {
  backup: `npm run backup -- DIRECTORY: makes a backup of the store in ARTIFACT_STORE_DATA (./data of the repository), whether or not it runs.
DIRECTORY holds all backups; bytes that it has already are not copied again.
`,
  restore: `npm run restore -- DIRECTORY: makes the store in ARTIFACT_STORE_DATA (./data of the repository) from a backup: the newest in
DIRECTORY, or DIRECTORY itself where it is one. ARTIFACT_STORE_DATA must be empty or not there.
`,
} as const

/**
 * `npm run backup` and `npm run restore`: what goes wrong is one sentence on stderr and code 1, a wrong command line is code 2. A backup of a store with
 * damaged blobs is made and published, and ends with code 1 as well, since somebody has to look.
 */
export async function backupMain(command: 'backup' | 'restore', args: readonly string[]): Promise<number> {
  const [directory, ...more] = args
  if (directory === '--help' || directory === '-h') {
    process.stdout.write(usages[command])
    return 0
  }
  if (directory === undefined || directory.startsWith('-') || more.length > 0) {
    process.stderr.write(usages[command])
    return 2
  }
  using signals = stopSignals()
  try {
    return await (command === 'backup' ? backup : restore)(directory, signals.stop)
  } catch (thrown) {
    if (signals.stop.aborted) return 130
    const error = backupFailure(thrown)
    if (!isArtifactError(error)) throw error
    say(error.message)
    return 1
  }
}

async function backup(target: string, signal: AbortSignal): Promise<number> {
  const { path, manifest } = await makeBackup({ dataDirectory: readConfig().dataDirectory, target, signal, say })
  process.stdout.write(`${path}\n`)
  const damaged = manifest.blobs.damaged + manifest.logArchive.damaged
  if (damaged === 0) return 0
  say(`the backup is whole but for ${damaged} blobs that are damaged in the store: "artifact admin check --bytes" names them`)
  return 1
}

async function restore(from: string, signal: AbortSignal): Promise<number> {
  const { dataDirectory } = readConfig()
  await restoreBackup({ from, dataDirectory, signal, say })
  process.stdout.write(`${dataDirectory}\n`)
  say('start it with npm start, then see with "artifact admin check" that it is whole')
  return 0
}

function say(sentence: string): void {
  process.stderr.write(`artifact-store: ${sentence}\n`)
}
