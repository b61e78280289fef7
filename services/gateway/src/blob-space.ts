import type { Space } from '@artifact-store/blobs'
import type { Scope, Warning } from '@artifact-store/service'
import { Gauge } from 'prom-client'

/** Of the room where the bytes are: less than this share is nearly full. */
const leastFreeShare = 0.05

/** Tells in metrics and readiness how much room there is for bytes, where the backend knows: a bucket has no end that it tells of. */
export function watchBlobSpace(
  { health, metrics }: Pick<Scope, 'health' | 'metrics'>,
  look: () => Promise<Space | undefined>,
): void {
  const gauge = (name: string, help: string, value: (space: Space) => number): void => {
    new Gauge({
      name,
      help: `${help}; absent where the backend is not a file system, NaN while it cannot be looked at.`,
      registers: [metrics],
      async collect() {
        const space = await look().catch(() => unknown)
        if (space) this.set(value(space))
        else this.remove()
      },
    })
  }
  gauge('artifact_store_blobs_disk_size_bytes', 'Size of the file system that has the blobs', ({ total }) => total)
  gauge('artifact_store_blobs_disk_free_bytes', 'Bytes of it that the gateway may still fill', ({ free }) => free)
  health.check('disk', async () => {
    const space = await look()
    return space ? tell(space) : 'the backend tells of no end'
  })
}

const unknown: Space = { total: Number.NaN, free: Number.NaN }

function tell({ total, free }: Space): string | Warning {
  const left = `${inGigabytes(free)} of ${inGigabytes(total)} are free`
  return free < total * leastFreeShare ? { warning: `${left}: uploads are refused when nothing is left` } : left
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}
