import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { Bench } from './trial.ts'

/** What the server gives for a whole object, or for a part of it; small ones only. */
export async function bytesAt(
  { calls, signal }: Bench,
  key: string,
  range?: string,
): Promise<{ bytes: Buffer; status: number | undefined; contentRange: string | undefined }> {
  return calls.call(
    'read an object',
    async (client, Bucket, options) => {
      const answer = await client.send(
        new GetObjectCommand({ Bucket, Key: key, ...(range === undefined ? {} : { Range: range }) }),
        options,
      )
      const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? [])
      return { bytes, status: answer.$metadata.httpStatusCode, contentRange: answer.ContentRange }
    },
    { signal },
  )
}
