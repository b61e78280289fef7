import type { Package, PackageFile } from '@artifact-store/client'
import type { Command } from 'commander'
import { defineCommand, inSession, type Surroundings } from '../command.ts'
import type { Session } from '../session.ts'
import { formatBytes, formatTime } from '../sizes.ts'
import { type Column, renderFields, renderTable } from '../table.ts'

/** As many lines are laid out together as one table: a package may have more files than fit in memory well. */
const filesPerTable = 1000

export function showCommand(surroundings: Surroundings): Command {
  return defineCommand('show', 'show a package')
    .argument('<id>', 'the id of the package')
    .option('--files', 'and its files')
    .action(async (id: string, flags: { files?: boolean }, command: Command) => {
      await inSession(surroundings, command, session => run(session, id, flags.files === true))
    })
}

async function run({ client, output, signal, json }: Session, id: string, withFiles: boolean): Promise<void> {
  const found = await client.packages.get(id, { signal })
  const files = client.files.all(id, { limit: filesPerTable, signal })
  if (json) return await output.json(withFiles ? { ...found, files: await collect(files) } : found)
  await output.lines(renderFields(fieldsOf(found)))
  if (!withFiles) return
  await output.line('')
  let table: PackageFile[] = []
  let isFirst = true
  const flush = async () => {
    await output.lines(renderTable(columns, table).slice(isFirst ? 0 : 1))
    isFirst = false
    table = []
  }
  for await (const file of files) {
    table.push(file)
    if (table.length === filesPerTable) await flush()
  }
  if (table.length > 0 || isFirst) await flush()
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

function fieldsOf(found: Package): [name: string, value: string | undefined][] {
  return [
    ['id', found.id],
    ['state', found.state],
    ['name', found.name],
    ['version', found.version],
    ['kind', found.kind],
    ['producer', found.producer],
    ...Object.entries(found.labels).map(([key, value]): [string, string] => ['label', `${key}=${value}`]),
    ...found.inputs.map(({ uri, digest }): [string, string] => ['input', digest === undefined ? uri : `${uri}@${digest}`]),
    ['retention class', found.retentionClass],
    ['files', `${found.fileCount}, ${formatBytes(found.totalSize)}`],
    ['created', `${formatTime(found.createdAt)} by ${found.createdBy}`],
    ['finalized', found.finalizedAt && formatTime(found.finalizedAt)],
    ['manifest', found.manifestDigest],
    ['', found.manifestSha256],
  ]
}

const columns: readonly Column<PackageFile>[] = [
  { title: 'PATH', cell: file => file.path },
  { title: 'SIZE', align: 'right', cell: file => formatBytes(file.size) },
  { title: 'TYPE', cell: file => file.mediaType },
  { title: 'DIGEST', cell: file => file.digest },
]
