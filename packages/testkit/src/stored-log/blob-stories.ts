import type { NewEvent } from '@artifact-store/core'
import { contentOf, largest, longReason, packageIdOf, textOf, thousandFiles } from './sample-values.ts'
import { tell } from './tell.ts'

/** What can happen to bytes, and who asked for them. */
export function blobStories(): NewEvent[] {
  const small = contentOf('small')
  const large = contentOf('large', largest)
  const damaged = contentOf('damaged', 1)
  const [file] = thousandFiles()
  const retrieval = { at: '0001-01-01T00:00:00.000Z', actor: 'a', digest: small.digest, offset: 0, length: 0 }
  return [
    tell('v1.blob.stored', small.digest, small),
    tell('v1.blob.unreferenced', small.digest, { asOf: 0 }),
    tell('v1.blob.trashed', small.digest, { asOf: 0, keptUntil: '0001-01-01T00:00:00.000Z' }),
    tell('v1.blob.restored', small.digest, { reason: 'a' }),
    tell('v1.fixity.checked', small.digest, { size: 0, backend: 'a' }),
    tell('v1.blob.trashed', small.digest, { asOf: 0, keptUntil: '0001-01-01T00:00:00.000Z' }),
    tell('v1.blob.purged', small.digest, { asOf: 0, size: 0 }),
    tell('v1.blob.stored', large.digest, large, textOf(200)),
    tell('v1.fixity.checked', large.digest, { size: largest, backend: textOf(200) }),
    tell('v1.blob.unreferenced', large.digest, { asOf: largest }),
    tell('v1.blob.trashed', large.digest, {
      asOf: largest,
      keptUntil: '9999-12-31T23:59:59.999Z',
      planDigest: contentOf('plan').digest,
    }),
    tell('v1.blob.restored', large.digest, { reason: longReason() }),
    tell('v1.blob.trashed', large.digest, { asOf: largest, keptUntil: '2024-02-29T12:00:00.001Z' }),
    tell('v1.blob.purged', large.digest, { asOf: largest, size: largest }),
    tell('v1.blob.stored', damaged.digest, damaged),
    tell('v1.fixity.failed', damaged.digest, { backend: 'a', finding: { kind: 'missing' } }),
    tell('v1.fixity.failed', damaged.digest, { backend: 'a', finding: { kind: 'unreadable', error: textOf(500) } }),
    tell('v1.fixity.failed', damaged.digest, { backend: 'a', finding: { kind: 'unreadable', error: 'a' } }),
    tell('v1.fixity.failed', damaged.digest, {
      backend: 'a',
      finding: { kind: 'different', actualDigest: small.digest, actualSize: 0 },
    }),
    tell('v1.fixity.repaired', damaged.digest, { backend: 'a', source: 'a' }),
    tell('v1.fixity.failed', damaged.digest, {
      backend: textOf(200),
      finding: { kind: 'different', actualDigest: large.digest, actualSize: largest },
    }),
    tell('v1.fixity.repaired', damaged.digest, { backend: textOf(200), source: textOf(200) }),
    tell('v1.retrievals.recorded', 'a', { retrievals: [retrieval] }),
    tell('v1.retrievals.recorded', textOf(300), {
      retrievals: [
        {
          at: '9999-12-31T23:59:59.999Z',
          actor: textOf(200),
          digest: large.digest,
          packageId: packageIdOf(2),
          path: file?.path,
          offset: largest,
          length: largest,
        },
        ...Array.from({ length: 999 }, () => retrieval),
      ],
    }),
  ]
}
