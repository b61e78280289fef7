import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { loadPackageDocument, packageDocument } from './package-document.ts'
import { packageIdParam } from './parameters.ts'

export const getPackageRoute = defineRoute({
  method: 'get',
  path: '/v1/packages/{id}',
  id: 'getPackage',
  summary: 'Show a package',
  scope: 'read',
  params: z.object({ id: packageIdParam }),
  answers: { 200: { description: 'The package', schema: packageDocument } },
  problems: ['package-not-found'],
  handle: async ({ c, gateway, params }) => c.json(await loadPackageDocument(gateway, params.id)),
})
