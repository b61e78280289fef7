import { ArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import { sendBlob } from '../http/send-blob.ts'
import { noSuchPackage } from '../registry/package-head.ts'
import { defineRoute } from '../route.ts'
import { bytesAnswers, bytesHeaders } from './bytes-answers.ts'
import { packageIdParam, pathParam } from './parameters.ts'

export const getFileRoute = defineRoute({
  method: 'get',
  path: '/v1/packages/{id}/files/{path}',
  id: 'getFile',
  summary: 'Fetch a file of a package',
  description:
    'Every byte is checked against the digest that the log recorded; a body that turns out wrong is broken off before its end. HEAD answers the same head.',
  scope: 'read',
  params: z.object({ id: packageIdParam, path: pathParam }),
  headers: bytesHeaders,
  answers: bytesAnswers,
  problems: [
    'package-not-found',
    'file-not-found',
    'invalid-path',
    'range-not-satisfiable',
    'precondition-failed',
    'blob-corrupt',
    'backend-unavailable',
  ],
  async handle({ c, gateway, params, signal }) {
    const found = await gateway.findFile(params.id, params.path)
    if (!found) throw noSuchPackage(params.id)
    const { state, file } = found
    if (!file) {
      throw new ArtifactError(
        'file-not-found',
        `package ${params.id} has no file "${params.path}": GET /v1/packages/${params.id}/files lists its files`,
        {
          details: { id: params.id, path: params.path },
        },
      )
    }
    return sendBlob(c, gateway, { ...file, fileName: file.path, mayChange: state === 'open' }, signal)
  },
})
