import { ArtifactError, parseDigest } from '@artifact-store/core'
import { z } from 'zod'
import { packageArchive } from '../archive/package-archive.ts'
import { tarFormat } from '../archive/tar.ts'
import { zipFormat } from '../archive/zip.ts'
import { sendRepresentation } from '../http/send-representation.ts'
import { requirePackage } from '../registry/package-head.ts'
import { defineRoute } from '../route.ts'
import { bytesAnswers, bytesHeaders } from './bytes-answers.ts'
import { packageIdParam } from './parameters.ts'

const formats = { tar: tarFormat, zip: zipFormat } as const

export const getPackageArchiveRoute = defineRoute({
  method: 'get',
  path: '/v1/packages/{id}/archive',
  id: 'getPackageArchive',
  summary: 'Fetch a finalized package as one tar or zip file',
  description:
    'The same package gives the same bytes always and everywhere, so a download that broke off is continued by range. The files are in it as they are stored, in the order of their paths’ bytes, all with the time 1980-01-01. ' +
    'The first zip of a package has all of its files read before it begins; when that takes long, the answer is 503 with `Retry-After`. There is no `Repr-Digest`.',
  scope: 'read',
  params: z.object({ id: packageIdParam }),
  query: z.object({ format: z.enum(['tar', 'zip']).default('tar').describe('`tar` (POSIX pax) or `zip` (ZIP64 where needed)') }),
  headers: bytesHeaders,
  answers: bytesAnswers,
  problems: [
    'package-not-found',
    'package-not-finalized',
    'precondition-failed',
    'range-not-satisfiable',
    'blob-corrupt',
    'backend-unavailable',
    'overloaded',
  ],
  async handle({ c, gateway, params, query, signal }) {
    const { name, version, state, manifestDigest } = await requirePackage(gateway, params.id)
    if (state !== 'finalized' || manifestDigest === null) {
      throw new ArtifactError('package-not-finalized', `package ${params.id} is ${state} and has no archive: finalize it first`, {
        details: { id: params.id, state },
      })
    }
    const lastOfName = name.slice(name.lastIndexOf('/') + 1)
    const sealed = {
      id: params.id,
      manifest: parseDigest(manifestDigest),
      fileName: `${lastOfName}-${version ?? params.id}.${query.format}`,
    }
    return sendRepresentation(c, await packageArchive(gateway, formats[query.format], sealed, signal), signal)
  },
})
