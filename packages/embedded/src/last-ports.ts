import { z } from 'zod'
import type { DataDirectory } from './data-directory.ts'
import { parseJson, readSmallFile, writeSmallFile } from './small-file.ts'

export type LastPorts = z.infer<typeof schema>

const schema = z.object({ postgres: z.int().optional(), nats: z.int().optional() })

/** The ports of the last run, so that those who know the old ones find the new. Only a convenience: what cannot be read is
 * chosen anew. */
export async function readLastPorts(data: DataDirectory): Promise<LastPorts> {
  const parsed = schema.safeParse(parseJson((await readSmallFile(data.ports)) ?? '{}'))
  return parsed.success ? parsed.data : {}
}

export async function writeLastPorts(data: DataDirectory, ports: LastPorts): Promise<void> {
  await writeSmallFile(data.ports, `${JSON.stringify(ports)}\n`)
}
