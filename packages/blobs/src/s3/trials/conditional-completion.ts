import { CompleteMultipartUploadCommand } from '@aws-sdk/client-s3'
import { abortMultipart, beginMultipart, uploadPart } from '../multipart.ts'
import { putObject } from '../objects.ts'
import { bytesAt } from './bytes-at.ts'
import { refusalOf } from './refusal.ts'
import { fails, sample, type Trial, works } from './trial.ts'

/** The completion of a multipart upload that must not replace anything: `If-None-Match: *`. */
export const conditionalCompletionTrial: Trial = {
  capability: 'conditional-completion',
  async run(bench) {
    const { calls, signal } = bench
    const key = bench.newKey()
    await putObject(calls, key, sample(16, 1), bench)
    const { upload } = await beginMultipart(calls, key, bench)
    try {
      const { etag } = await uploadPart(calls, upload, 1, sample(16, 2), bench)
      const completed = calls.call(
        'complete an upload under a condition',
        (client, Bucket, options) =>
          client.send(
            new CompleteMultipartUploadCommand({
              Bucket,
              Key: key,
              UploadId: upload.uploadId,
              MultipartUpload: { Parts: [{ PartNumber: 1, ETag: etag }] },
              IfNoneMatch: '*',
            }),
            options,
          ),
        { signal },
      )
      const refused = await refusalOf(completed)
      const { bytes } = await bytesAt(bench, key)
      if (!bytes.equals(sample(16, 1))) return fails('the condition was ignored, and the object was replaced')
      if (refused !== 412) return fails(`the object stayed, and the answer was ${refused ?? 'success'} in the place of 412`)
      return works('an object that was there stayed, and the answer was 412')
    } finally {
      await abortMultipart(calls, upload, bench)
    }
  },
}
