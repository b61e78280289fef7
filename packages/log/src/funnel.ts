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
  /** From this weight on, a batch takes no more than half of what is here: see below. Without it, all that fits. */
  readonly leastShare?: number
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
 *
 * When all callers share one batch, they wait while it runs, and then it waits while they make their next items. So from `leastShare` on a batch
 * takes half of those that wait or were just answered, and the two halves take turns: while one is in flight, the other is told and comes again.
 */
export function createFunnel<Item, Result>(options: FunnelOptions<Item, Result>): Funnel<Item, Result> {
  const { run, maxWaiting, weigh = () => 1 } = options
  let queue: Waiting<Item, Result>[] = []
  let running: Promise<void> | undefined

  async function drain(): Promise<void> {
    await turn()
    let before: Answered<Item, Result> | undefined
    while (queue.length > 0) {
      const { batch, left } = takeBatch(queue, options, weightOf(before?.batch ?? []))
      queue = left
      const answer = answerTo(batch, run)
      if (before) {
        // By the end of this turn the batch is on its way.
        await turn()
        settle(before)
      }
      before = await answer
      if (queue.length === 0) {
        settle(before)
        before = undefined
        // Whom this has answered may come again at once.
        await turn()
      }
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
      const waiting: Waiting<Item, Result> = { item, weight: weigh(item), resolve, reject }
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
  readonly weight: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

// How many items a batch looks past. Without a limit, a long queue for one subject would be gone through again for each of them.
const maxPassedOver = 1000

/** @param answered what the batch before weighed, whose callers are about to come again. */
function takeBatch<Item, Result>(
  queue: readonly Waiting<Item, Result>[],
  { guard, maxWeight, leastShare = maxWeight }: FunnelOptions<Item, Result>,
  answered: number,
) {
  const most = Math.min(maxWeight, Math.max(leastShare, (weightOf(queue) + answered) / 2))
  const admission = guard?.()
  const batch: Waiting<Item, Result>[] = []
  const passedOver: Waiting<Item, Result>[] = []
  let weight = 0
  let looked = 0
  for (const waiting of queue) {
    // Nothing lighter may slip past the first that does not fit: it could be what that one must precede.
    if ((batch.length > 0 && weight + waiting.weight > most) || passedOver.length >= maxPassedOver) break
    looked += 1
    if (admission === undefined || admission.admit(waiting.item)) {
      batch.push(waiting)
      weight += waiting.weight
    } else {
      passedOver.push(waiting)
    }
  }
  return { batch, left: [...passedOver, ...queue.slice(looked)] }
}

function weightOf(items: readonly { readonly weight: number }[]): number {
  return items.reduce((sum, { weight }) => sum + weight, 0)
}

interface Answered<Item, Result> {
  readonly batch: readonly Waiting<Item, Result>[]
  readonly results: readonly (Result | Error)[]
  /** What running the batch threw; then there are no results. */
  readonly failure?: { readonly error: unknown }
}

async function answerTo<Item, Result>(
  batch: readonly Waiting<Item, Result>[],
  run: FunnelOptions<Item, Result>['run'],
): Promise<Answered<Item, Result>> {
  try {
    return { batch, results: await run(batch.map(({ item }) => item)) }
  } catch (error) {
    return { batch, results: [], failure: { error } }
  }
}

function settle<Item, Result>({ batch, results, failure }: Answered<Item, Result>): void {
  for (const [index, waiting] of batch.entries()) {
    const result = results[index]
    if (failure) waiting.reject(failure.error)
    else if (result === undefined)
      waiting.reject(new ArtifactError('internal', 'a batch answered fewer results than it had items'))
    else if (result instanceof Error) waiting.reject(result)
    else waiting.resolve(result)
  }
}
