/**
 * The memory that the parts of all uploads to one store take. An upload may always have one part; a second and more, which let
 * it send while it receives, only while fewer than `plenty` are held by all.
 */
export class PartMemory {
  readonly partSize: number
  readonly #plenty: number
  readonly #most: number
  readonly #idle: Buffer[] = []
  #held = 0

  constructor(partSize: number, { plenty = 16, most = 4 }: { readonly plenty?: number; readonly most?: number } = {}) {
    this.partSize = partSize
    this.#plenty = plenty
    this.#most = most
  }

  /** Whether an upload that holds so many parts may take one more. */
  allows(held: number): boolean {
    return held === 0 || (held < this.#most && this.#held < this.#plenty)
  }

  /** A buffer of `size` bytes; it counts until it is given back. */
  take(size: number): Buffer {
    this.#held += 1
    return (size === this.partSize ? this.#idle.pop() : undefined) ?? Buffer.allocUnsafeSlow(size)
  }

  giveBack(buffer: Buffer): void {
    this.#held -= 1
    if (buffer.length === this.partSize && this.#idle.length < this.#most) this.#idle.push(buffer)
  }
}
