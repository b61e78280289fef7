import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { S3Address } from './address.ts'

// A reader that is slow holds its connection: there must be more than readers, so that nobody waits for one.
const connections = { keepAlive: true, maxSockets: 4096, maxFreeSockets: 64 }

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A client for the server of that address. It tries once: `S3Calls` tries again, where the circuit can see it. */
export function openS3Client({ endpoint, region, pathStyle, idleTimeoutMs }: S3Address, credentials?: S3Credentials): S3Client {
  return new S3Client({
    ...(credentials === undefined ? {} : { credentials }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: pathStyle,
    maxAttempts: 1,
    // By default the SDK sends bodies in a framing with a checksum at the end, which servers other than AWS refuse or, worse,
    // store. Bodies are signed with their SHA-256 all the same.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: Math.min(5000, idleTimeoutMs),
      socketTimeout: idleTimeoutMs,
      httpAgent: new HttpAgent(connections),
      httpsAgent: new HttpsAgent(connections),
    }),
  })
}
