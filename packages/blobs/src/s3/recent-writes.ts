/** How long a server may take to list what was written, in milliseconds, and how many writes are remembered at most. */
const rememberedFor = 10 * 60_000
const most = 10_000

/** What this process put and removed lately, for servers whose lists are late. Memory is bounded: the oldest are forgotten first. */
export class RecentWrites {
  readonly #writes = new Map<string, { readonly kind: 'put' | 'removed'; readonly at: number }>()

  /** To be called before the object is put, and after it was removed. */
  note(key: string, kind: 'put' | 'removed', now: number = performance.now()): void {
    this.#writes.delete(key)
    this.#writes.set(key, { kind, at: now })
    for (const [oldest, { at }] of this.#writes) {
      if (this.#writes.size <= most && now - at <= rememberedFor) return
      this.#writes.delete(oldest)
    }
  }

  /** What was done with it last, if that is remembered. */
  last(key: string): 'put' | 'removed' | undefined {
    return this.#writes.get(key)?.kind
  }

  /** The keys that begin like that and come after `after`, in their order. */
  keys(prefix: string, after: string | undefined): readonly string[] {
    return [...this.#writes.keys()].filter(key => key.startsWith(prefix) && (after === undefined || key > after)).sort(byBytes)
  }
}

/** As S3 sorts keys; ours are ASCII. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : 1
}
