import { randomBytes } from 'node:crypto'
import { ArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import type { DataDirectory } from './data-directory.ts'
import { parseJson, readSmallFile, writeSmallFile } from './small-file.ts'

export type Secrets = z.infer<typeof secretsSchema>

const secret = z.string().min(32)
const secretsSchema = z.object({
  postgres: secret,
  logWriter: secret,
  projector: secret,
  gateway: secret,
  logWriterToken: secret,
  nats: secret,
})

/** The passwords of this installation: read, or made when there is no database yet that knows others. */
export async function openSecrets(data: DataDirectory): Promise<Secrets> {
  const text = await readSmallFile(data.secrets)
  if (text !== undefined) return parseFile(data.secrets, text, secretsSchema)
  const random = () => randomBytes(32).toString('base64url')
  const secrets = {
    postgres: random(),
    logWriter: random(),
    projector: random(),
    gateway: random(),
    logWriterToken: random(),
    nats: random(),
  }
  await writeSmallFile(data.secrets, `${JSON.stringify(secrets, null, 2)}\n`)
  return secrets
}

/** The first admin token: the given one, else the kept one, else a new one (`ast_` and 32 random bytes in base64url), then kept. */
export async function openAdminToken(data: DataDirectory, given: string | undefined): Promise<{ token: string; source: string }> {
  if (given !== undefined) return { token: given, source: 'from ARTIFACT_STORE_TOKEN' }
  const source = `kept in ${data.adminToken}`
  const kept = (await readSmallFile(data.adminToken))?.trim()
  if (kept !== undefined && kept !== '') return { token: kept, source }
  const token = `ast_${randomBytes(32).toString('base64url')}`
  await writeSmallFile(data.adminToken, `${token}\n`)
  return { token, source }
}

function parseFile<T>(path: string, text: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new ArtifactError(
    'configuration',
    `${path} is damaged: bring it back from a backup, since the database knows only the passwords that were in it`,
    { cause: parsed.error },
  )
}
