import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startOurs } from '../bytes/contenders/ours.ts'
import type { Bench, ByteMeasurement } from '../harness/bench.ts'
import { median, medianBytes, twoDigits } from '../harness/median.ts'
import { partOfDisk } from '../harness/part-of-disk.ts'
import { copyRealTree } from './real-tree.ts'

const mostFiles = 23_000

/**
 * A real dependency tree pushed by the command line, from its start to the finalized package: into an empty store, and once more. Each round is a store of its own.
 */
export const pushBench: Bench = async ({ rounds, say }) => {
  await using stack = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'artifact-store-push-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const tree = join(root, 'tree')
  await mkdir(tree)
  const { files, bytes } = await copyRealTree(tree, mostFiles)
  say(`${files} files, ${Math.round(bytes / 1e6)} MB`)
  const pushes = ['first push', 'second push'] as const
  const measured = new Map<string, ByteMeasurement[]>(pushes.map(name => [name, []]))
  const seconds = new Map<string, number[]>(pushes.map(name => [name, []]))
  let sentAgain = 0
  for (let round = 1; round <= rounds; round += 1) {
    await using store = await startOurs(await partOfDisk(root, `store-${round}`), 'portable')
    for (const name of pushes) {
      const begun = performance.now()
      const { sentBytes } = await push(tree, store.port, store.token)
      const elapsed = (performance.now() - begun) / 1000
      if (name === 'second push') sentAgain = Math.max(sentAgain, sentBytes)
      seconds.get(name)?.push(elapsed)
      measured.get(name)?.push({ megabytesPerSecond: bytes / 1e6 / elapsed, requestsPerSecond: files / elapsed })
      say(`round ${round}: ${name}: ${twoDigits(elapsed)} s, ${sentBytes} bytes sent`)
    }
  }
  return {
    rounds,
    results: Object.fromEntries([...measured].map(([name, all]) => [name, medianBytes(all)])),
    ratios: {
      'seconds of the first push': twoDigits(median(seconds.get('first push') ?? [])),
      'seconds of the second push': twoDigits(median(seconds.get('second push') ?? [])),
      'bytes sent by the second push / bytes of the tree': twoDigits(sentAgain / bytes),
    },
  }
}

async function push(directory: string, port: number, token: string): Promise<{ sentBytes: number }> {
  const script = fileURLToPath(import.meta.resolve('../../../packages/cli/src/main.ts'))
  const args = [
    script,
    '--url',
    `http://127.0.0.1:${port}`,
    '--token',
    token,
    '--json',
    'push',
    directory,
    '--name',
    'bench/tree',
    '--kind',
    'bench',
  ]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 16 * 1024 * 1024 })
  return JSON.parse(stdout)
}
