import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { TestProject } from 'vitest/node'
import { startCeph } from './start-ceph.ts'

/** A Ceph gateway that the tests of a run share; `inject('ceph')` gives it to them. */
export interface SharedCeph {
  readonly endpoint: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly version: string
}

declare module 'vitest' {
  interface ProvidedContext {
    ceph: SharedCeph
  }
}

/** Starts the gateway, makes a bucket, and answers how to end it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const ceph = await startCeph()
  const { endpoint, accessKeyId, secretAccessKey, version } = ceph
  const bucket = 'artifacts'
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  project.provide('ceph', { endpoint, bucket, accessKeyId, secretAccessKey, version })
  return async () => {
    await ceph[Symbol.asyncDispose]()
  }
}
