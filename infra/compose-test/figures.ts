import { must } from './checks.ts'
import type { Deployment } from './deployment.ts'
import { docker } from './docker.ts'

const images = ['migrate', 'log-writer', 'projector', 'gateway'] as const
const allowed = 80_000_000

/** Tells how much each image adds to its base. @throws Error when one adds more than 80 MB. */
export async function imageSizes(): Promise<void> {
  const base = await size('node:24-bookworm-slim')
  process.stdout.write(`    image sizes over node:24-bookworm-slim (${megabytes(base)}):\n`)
  for (const image of images) {
    const added = (await size(`artifact-store-${image}`)) - base
    process.stdout.write(`      ${image.padEnd(12)} ${megabytes(added)}\n`)
    must(added <= allowed, `the image of ${image} adds ${megabytes(added)} to its base, more than ${megabytes(allowed)}`)
  }
}

/** Tells what each container uses. */
export async function memory(deployment: Deployment, when: string): Promise<void> {
  const ids = (await deployment.compose('ps', '--quiet')).trim().split('\n')
  const lines = await docker(['stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}}', ...ids])
  process.stdout.write(`    memory ${when}:\n`)
  for (const line of lines.trim().split('\n').toSorted()) process.stdout.write(`      ${line}\n`)
}

/** Tells how long the services took from when the database was ready to when each had started. */
export async function coldStart(deployment: Deployment): Promise<void> {
  const began = Date.parse((await inspect(await deployment.container('migrate'), '{{.State.StartedAt}}')).trim())
  process.stdout.write('    started, after PostgreSQL and NATS were ready and the migration began:\n')
  for (const service of ['log-writer', 'projector', 'gateway']) {
    const log = await deployment.compose('logs', '--no-log-prefix', service)
    const time = /"time":"([^"]+)"[^\n]*"msg":"started"/.exec(log)?.[1]
    process.stdout.write(`      ${service.padEnd(12)} ${((Date.parse(time ?? '') - began) / 1000).toFixed(1)} s\n`)
  }
}

async function size(image: string): Promise<number> {
  return Number(await inspect(image, '{{.Size}}'))
}

function inspect(what: string, format: string): Promise<string> {
  return docker(['inspect', '--format', format, what])
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
