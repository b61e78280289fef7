import { ArtifactError } from '@artifact-store/core'

export interface FunnelOptions<Item, Result> {
  /** Deals with a batch; answers a result or an error for each item, in their order. When it throws, every item fails with that. */
  readonly run: (batch: readonly Item[]) => Promise<readonly (Result | Error)[]>
  /** Made anew for each batch: may this item join those that were admitted? One that may not waits for a later batch; what must not
   * overtake it the guard refuses as well. */
  readonly guard?: () => { admit(item: Item): boolean }
  /** The weight of an item, e.g. its bytes; 1 where it is left out. */
  readonly weigh?: (item: Item) => number
  /** The most that a batch may weigh, unless it is one item. */
  readonly maxWeight: number
  /** How many items may wait; more are pushed back. */
  readonly maxWaiting: number
}

export interface Funnel<Item, Result> {
  /**
   * Takes an item into a coming batch. An abort takes a waiting item out; of one that is in flight it gives up the answer only.
   * @throws ArtifactError `overloaded` when too many wait; else what `run` throws, or the signal's reason.
   */
  submit(item: Item, options?: { readonly signal?: AbortSignal | undefined }): Promise<Result>
  readonly waiting: number
  /** Settles when nothing waits and nothing is in flight. */
  drained(): Promise<void>
}

/**
 * Group commit: one batch is in flight, and whatever arrives meanwhile is the next one. No timer: the first batch goes at the end of the event
 * loop's turn, so that who comes together goes together; under load the batches grow by themselves to what one round trip can carry.
 * Batches take items in the order of their coming.
 */
export function createFunnel<Item, Result>(options: FunnelOptions<Item, Result>): Funnel<Item, Result> {
  const { run, maxWaiting } = options
  let queue: Waiting<Item, Result>[] = []
  let running: Promise<void> | undefined

  async function drain(): Promise<void> {
    await turn()
    while (queue.length > 0) {
      const { batch, left } = takeBatch(queue, options)
      queue = left
      try {
        settle(batch, await run(batch.map(waiting => waiting.item)))
      } catch (error) {
        for (const waiting of batch) waiting.reject(error)
      }
      // Whom this batch has answered may come again at once. Where as many wait already, those go now, and the two halves of the callers take
      // turns: while one is in flight, the other has its answers and makes its next items.
      if (queue.length * 2 < batch.length) await turn()
    }
    running = undefined
  }

  return {
    submit(item, { signal } = {}) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (queue.length >= maxWaiting) {
        return Promise.reject(
          new ArtifactError('overloaded', `${queue.length} writes are waiting already; try again in a second`, {
            details: { waiting: queue.length },
          }),
        )
      }
      const { promise, resolve, reject } = Promise.withResolvers<Result>()
      const waiting: Waiting<Item, Result> = { item, resolve, reject }
      const giveUp = () => {
        queue = queue.filter(other => other !== waiting)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      queue.push(waiting)
      running ??= drain()
      return promise.finally(() => signal?.removeEventListener('abort', giveUp))
    },
    get waiting() {
      return queue.length
    },
    async drained() {
      while (running) await running
    },
  }
}

/** The rest of this turn of the event loop: what else has arrived comes first. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

// How many items a batch looks past. Without a limit, a long queue for one subject would be gone through again for each of them.
const maxPassedOver = 1000

function takeBatch<Item, Result>(
  queue: readonly Waiting<Item, Result>[],
  { guard, weigh = () => 1, maxWeight }: FunnelOptions<Item, Result>,
) {
  const admission = guard?.()
  const batch: Waiting<Item, Result>[] = []
  const passedOver: Waiting<Item, Result>[] = []
  let weight = 0
  let looked = 0
  for (const waiting of queue) {
    const heavier = weight + weigh(waiting.item)
    // Nothing lighter may slip past the first that does not fit: it could be what that one must precede.
    if ((batch.length > 0 && heavier > maxWeight) || passedOver.length >= maxPassedOver) break
    looked += 1
    if (admission === undefined || admission.admit(waiting.item)) {
      batch.push(waiting)
      weight = heavier
    } else {
      passedOver.push(waiting)
    }
  }
  return { batch, left: [...passedOver, ...queue.slice(looked)] }
}

function settle<Item, Result>(batch: readonly Waiting<Item, Result>[], results: readonly (Result | Error)[]): void {
  for (const [index, waiting] of batch.entries()) {
    const result = results[index]
    if (result === undefined) waiting.reject(new ArtifactError('internal', 'a batch answered fewer results than it had items'))
    else if (result instanceof Error) waiting.reject(result)
    else waiting.resolve(result)
  }
}
