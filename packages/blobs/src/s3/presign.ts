import type { Digest } from '@artifact-store/core'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { PresignedGet } from '../blob-store.ts'
import type { S3Address } from './address.ts'
import { openS3Client, type S3Credentials } from './client.ts'
import type { S3Keys } from './keys.ts'

/** Signs addresses from which an object can be fetched without credentials, for the server as clients reach it. */
export class S3Presigner implements Disposable {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #keys: S3Keys

  constructor(address: S3Address, keys: S3Keys, credentials?: S3Credentials) {
    // The host is part of what is signed, so the address cannot be rewritten afterwards.
    this.#client = openS3Client({ ...address, endpoint: address.publicEndpoint ?? address.endpoint }, credentials)
    this.#bucket = address.bucket
    this.#keys = keys
  }

  async sign(digest: Digest, { seconds, mediaType, disposition }: PresignedGet): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: this.#keys.blob(digest),
      ResponseContentType: mediaType,
      ResponseContentDisposition: disposition,
    })
    return getSignedUrl(this.#client, command, { expiresIn: seconds })
  }

  [Symbol.dispose](): void {
    this.#client.destroy()
  }
}
