import { randomUUID } from 'node:crypto'

/** An object as the server keeps it. */
export interface S3Object {
  readonly bytes: Buffer
  readonly etag: string
  readonly at: Date
}

/** A multipart upload under way. */
export interface S3Upload {
  readonly key: string
  readonly id: string
  readonly begunAt: Date
  readonly parts: Map<number, S3Object>
}

/** What a server keeps of one bucket, in memory. */
export class S3State {
  readonly objects = new Map<string, S3Object>()
  readonly uploads = new Map<string, S3Upload>()
  readonly #listsLateByMs: number
  readonly #listed = new Map<string, S3Object>()
  readonly #unlisted: { readonly at: number; readonly key: string; readonly object: S3Object | undefined }[] = []

  constructor(listsLateByMs: number) {
    this.#listsLateByMs = listsLateByMs
  }

  put(key: string, bytes: Buffer): S3Object {
    const object = { bytes, etag: newEtag(), at: new Date() }
    this.objects.set(key, object)
    this.#unlisted.push({ at: performance.now(), key, object })
    return object
  }

  remove(key: string): void {
    if (this.objects.delete(key)) this.#unlisted.push({ at: performance.now(), key, object: undefined })
  }

  /** The objects as they were a while ago, if lists are late. */
  listing(): ReadonlyMap<string, S3Object> {
    const until = performance.now() - this.#listsLateByMs
    for (let next = this.#unlisted[0]; next !== undefined && next.at <= until; next = this.#unlisted[0]) {
      this.#unlisted.shift()
      if (next.object === undefined) this.#listed.delete(next.key)
      else this.#listed.set(next.key, next.object)
    }
    return this.#listed
  }

  begin(key: string, begunAt = new Date()): S3Upload {
    const upload = { key, id: randomUUID(), begunAt, parts: new Map() }
    this.uploads.set(upload.id, upload)
    return upload
  }
}

/** One that says nothing of the bytes, as S3 gives it where objects are encrypted (RFC 9110 quotes it). */
export function newEtag(): string {
  return `"${randomUUID()}"`
}
