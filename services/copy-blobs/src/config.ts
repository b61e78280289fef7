import { assertBlobStoreUrl } from '@artifact-store/blobs'
import { contradiction, logLevel, readableText } from '@artifact-store/service'
import { z } from 'zod'

const address = () =>
  readableText(
    'the address of a blob store such as fs:///var/lib/artifact-store or s3://bucket?endpoint=https://host',
    assertBlobStoreUrl,
  )

/** What the copying reads from its environment. */
export const copyConfig = z
  .object({
    LOG_LEVEL: logLevel().default('info').describe('the least of what is logged'),
    COPY_FROM: address().describe('the store whose blobs are copied'),
    COPY_TO: address().describe('the store that they are copied to'),
  })
  .check(
    contradiction(
      ['COPY_TO', 'COPY_FROM'],
      ({ COPY_FROM, COPY_TO }) => COPY_FROM === COPY_TO,
      'is the same as COPY_FROM (give another place)',
    ),
  )

export type CopyConfig = z.output<typeof copyConfig>
