import { ArtifactError } from '@artifact-store/core'

export interface FunnelOptions<Item, Result> {
  /** Deals with a batch; answers a result or an error for each item, in their order. When it throws, every item fails with that. */
  readonly run: (batch: readonly Item[]) => Promise<readonly (Result | Error)[]>
  /** Made anew for each batch: may this item join those that were admitted? One that may not waits for a later batch; what must not
   * overtake it the guard refuses as well, and what must not overtake any of those that are under way and have no answer yet. */
  readonly guard?: (underWay: readonly Item[]) => { admit(item: Item): boolean }
  /** The weight of an item, e.g. its bytes; 1 where it is left out. */
  readonly weigh?: (item: Item) => number
  /** The most that a batch may weigh, unless it is one item. */
  readonly maxWeight: number
  /** From this weight on, a batch takes no more than half of what is here, and two may be under way: see below. Without it, one that takes all that fits. */
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
 * Group commit: one batch is at work, and whatever arrives meanwhile is the next one. No timer: the first batch goes at the end of the event
 * loop's turn, so that who comes together goes together; under load the batches grow by themselves to what one round trip can carry.
 * Batches take items in the order of their coming.
 *
 * When all callers share one batch, they wait while it runs, and then it waits while they make their next items. So with `leastShare` a batch takes
 * half of those that are here, and the two halves take turns: while one is at work, the other is told, comes again and stands at the door, so
 * that whoever does the work goes on without waiting for anybody. `run` must then deal with its batches in the order in which they come.
 */
export function createFunnel<Item, Result>(options: FunnelOptions<Item, Result>): Funnel<Item, Result> {
  const { run, maxWaiting, leastShare, weigh = () => 1 } = options
  const mostUnderWay = leastShare === undefined ? 1 : 2
  const queue = new Queue<Item, Result>()
  const underWay = new Set<Batch<Item, Result>>()
  const running = new Set<Promise<void>>()
  // Whether all that waits must not overtake what is under way; until one of these has its answer, looking again would show the same.
  let heldBack = false
  let soon = false

  /** Sends what is due. */
  function fill(answered = 0): boolean {
    let sent = false
    while (queue.length > 0 && isDue() && !heldBack) {
      const batch = takeBatch(queue, options, [...underWay], answered)
      heldBack = batch.items.length === 0
      if (heldBack) break
      underWay.add(batch)
      const sending = send(batch).finally(() => running.delete(sending))
      running.add(sending)
      sent = true
    }
    return sent
  }

  /** The second half goes when as many are here as are at work. */
  function isDue(): boolean {
    const [first, second] = underWay
    return first === undefined || (second === undefined && mostUnderWay > 1 && queue.weight >= first.weight * comeAgain)
  }

  async function send(batch: Batch<Item, Result>): Promise<void> {
    const answer = await answerTo(batch, run)
    underWay.delete(batch)
    heldBack = false
    // By the end of this turn the next batch is on its way; then those are told who may come again at once.
    if (fill(batch.weight)) await turn()
    settle(batch, answer)
  }

  async function fillSoon(): Promise<void> {
    if (soon || underWay.size === mostUnderWay) return
    soon = true
    await turn()
    soon = false
    fill()
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
      queue.push(waiting)
      void fillSoon()
      if (!signal) return promise
      const giveUp = () => {
        queue.remove(waiting)
        reject(signal.reason)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      return promise.finally(() => signal.removeEventListener('abort', giveUp))
    },
    get waiting() {
      return queue.length
    },
    async drained() {
      while (queue.length > 0 || running.size > 0) await (running.size > 0 ? Promise.all(running) : turn())
    },
  }
}

// Some come late. With all of them to wait for, the last would keep the others from standing at the door in time.
const comeAgain = 0.75

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

/** What waits, in the order of its coming, and what it weighs. */
class Queue<Item, Result> {
  #waiting: Waiting<Item, Result>[] = []
  weight = 0

  get length(): number {
    return this.#waiting.length
  }

  push(waiting: Waiting<Item, Result>): void {
    this.#waiting.push(waiting)
    this.weight += waiting.weight
  }

  remove(waiting: Waiting<Item, Result>): void {
    const at = this.#waiting.indexOf(waiting)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    this.weight -= waiting.weight
  }

  /** Takes out, from the front, those that `take` says, until it says that it looks at no more. */
  take(take: (waiting: Waiting<Item, Result>) => 'taken' | 'left' | 'enough'): void {
    const left: Waiting<Item, Result>[] = []
    let looked = 0
    for (const waiting of this.#waiting) {
      const verdict = take(waiting)
      if (verdict === 'enough') break
      looked += 1
      if (verdict === 'left') left.push(waiting)
      else this.weight -= waiting.weight
    }
    this.#waiting = [...left, ...this.#waiting.slice(looked)]
  }
}

interface Batch<Item, Result> {
  readonly items: readonly Waiting<Item, Result>[]
  readonly weight: number
}

// How many items a batch looks past. Without a limit, a long queue for one subject would be gone through again for each of them.
const maxPassedOver = 1000

/** @param answered what the batch weighed that has just been answered, whose callers are about to come again. */
function takeBatch<Item, Result>(
  queue: Queue<Item, Result>,
  { guard, maxWeight, leastShare = maxWeight }: FunnelOptions<Item, Result>,
  underWay: readonly Batch<Item, Result>[],
  answered: number,
): Batch<Item, Result> {
  const here = underWay.reduce((sum, { weight }) => sum + weight, queue.weight + answered)
  const most = Math.min(maxWeight, Math.max(leastShare, here / 2))
  const admission = guard?.(underWay.flatMap(({ items }) => items.map(({ item }) => item)))
  const items: Waiting<Item, Result>[] = []
  let weight = 0
  let passedOver = 0
  queue.take(waiting => {
    // Nothing lighter may slip past the first that does not fit: it could be what that one must precede.
    if ((items.length > 0 && weight + waiting.weight > most) || passedOver >= maxPassedOver) return 'enough'
    if (admission && !admission.admit(waiting.item)) {
      passedOver += 1
      return 'left'
    }
    items.push(waiting)
    weight += waiting.weight
    return 'taken'
  })
  return { items, weight }
}

interface Answer<Result> {
  readonly results: readonly (Result | Error)[]
  /** What running the batch threw; then there are no results. */
  readonly failure?: { readonly error: unknown }
}

async function answerTo<Item, Result>(
  { items }: Batch<Item, Result>,
  run: FunnelOptions<Item, Result>['run'],
): Promise<Answer<Result>> {
  try {
    return { results: await run(items.map(({ item }) => item)) }
  } catch (error) {
    return { results: [], failure: { error } }
  }
}

function settle<Item, Result>({ items }: Batch<Item, Result>, { results, failure }: Answer<Result>): void {
  for (const [index, waiting] of items.entries()) {
    const result = results[index]
    if (failure) waiting.reject(failure.error)
    else if (result === undefined)
      waiting.reject(new ArtifactError('internal', 'a batch answered fewer results than it had items'))
    else if (result instanceof Error) waiting.reject(result)
    else waiting.resolve(result)
  }
}
