import { defineRoute } from '../route.ts'
import { discovery } from '../uploads/tus-protocol.ts'

export const describeUploadsRoute = defineRoute({
  method: 'options',
  path: '/v1/uploads',
  id: 'describeUploads',
  summary: 'What resumable uploads can do here',
  description: 'Resumable uploads speak [tus 1.0](https://tus.io/protocols/resumable-upload).',
  scope: 'write',
  answers: {
    204: {
      description: 'Version, extensions, checksum algorithms and the largest size',
      headers: {
        'Tus-Version': '`1.0.0`',
        'Tus-Extension': 'With commas between',
        'Tus-Max-Size': 'In bytes',
        'Tus-Checksum-Algorithm': 'With commas between',
      },
    },
  },
  problems: [],
  async handle({ c, gateway }) {
    return c.body(null, 204, discovery(gateway.uploads.maxBytes))
  },
})
