import type { Answer } from '../route.ts'

/** What may be asked of every address that answers bytes. */
export const bytesHeaders = {
  Range: 'Ranges of bytes, e.g. `bytes=1000-` or `bytes=0-99,-100`; of several, those that touch are sent as one',
  'If-Range': 'The ETag for which the range counts',
  'If-None-Match': 'ETags that the client has: 304 for the same bytes',
  'If-Match': 'ETags that it must be: 412 for other bytes',
  Prefer:
    '`redirect` (RFC 7240): of large files, rather the address at which the store has them than the bytes; whoever fetches them there proves them by `Repr-Digest`',
  'Want-Repr-Digest': 'Which digests to send, sha-256 and blake3, with preferences from 0 to 10 (RFC 9530)',
} as const

const headers = {
  ETag: 'The BLAKE3 digest of the bytes, in quotes',
  'Repr-Digest': 'SHA-256 and BLAKE3 of the whole (RFC 9530)',
  'Accept-Ranges': '`bytes`',
} as const

export const bytesAnswers: Readonly<Record<number, Answer>> = {
  200: { description: 'The bytes', mediaType: 'application/octet-stream', headers },
  206: {
    description: 'The bytes of the range; of several, `multipart/byteranges` with a `Content-Range` in each part',
    mediaType: 'application/octet-stream',
    headers: { ...headers, 'Content-Range': 'Which bytes of how many' },
  },
  307: {
    description:
      'The bytes are at `Location`, for some minutes and without a token; to who prefers that, where the gateway offers it',
    headers: {
      Location: 'An address at the store',
      'Repr-Digest': 'SHA-256 and BLAKE3 of the whole, by which it is to be proven (RFC 9530)',
      'Preference-Applied': '`redirect`',
    },
  },
  304: { description: 'The client has these bytes' },
}
