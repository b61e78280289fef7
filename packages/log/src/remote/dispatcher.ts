import { ArtifactError } from '@artifact-store/core'

/** Something on its way, whose caller waits for an answer. */
export interface Pending<Item, Result> {
  readonly item: Item
  /** When it was handed in; milliseconds of `performance.now()`. */
  readonly since: number
  /** Whether its caller has an answer, or has gone: nobody waits for it any more. */
  readonly settled: boolean
  resolve(result: Result): void
  reject(error: unknown): void
}

export interface DispatcherOptions<Item, Result> {
  /** Deals with a batch and settles each of its items. What it leaves unsettled, or all if it throws, is rejected. */
  readonly send: (batch: readonly Pending<Item, Result>[]) => Promise<void>
  /** What an item touches. Of two that touch the same, the later one never overtakes the earlier. */
  readonly touches: (item: Item) => readonly string[]
  readonly weigh: (item: Item) => number
  /** The most that a batch may weigh, unless it is one item. */
  readonly maxWeight: number
  /** The most items in a batch. */
  readonly maxItems: number
  /** How many batches may be under way at once. */
  readonly maxInFlight: number
  /** How many items may wait; more are pushed back. */
  readonly maxWaiting: number
  /** How much may wait, by weight, unless it is one item; likewise. */
  readonly maxWaitingWeight: number
}

export interface Dispatcher<Item, Result> {
  /**
   * Takes an item into a coming batch. An abort takes a waiting item out; of one that is under way it gives up the answer only.
   * @throws ArtifactError `overloaded` when too many wait; else what `send` made of it, or the signal's reason.
   */
  submit(item: Item, options?: { readonly signal?: AbortSignal | undefined }): Promise<Result>
}

/**
 * Sends batches of whatever waits, a few at once, so that one is read and written over there while another is judged by the database. No
 * timer: a lone item goes at once, and under load the batches grow by themselves.
 */
export function createDispatcher<Item, Result>(options: DispatcherOptions<Item, Result>): Dispatcher<Item, Result> {
  const { send, touches, weigh, maxInFlight, maxWaiting, maxWaitingWeight } = options
  let queue: Waiting<Item, Result>[] = []
  const waits = { items: 0, weight: 0 }
  const underWay = new Set<ReadonlySet<string>>()
  let soon = false

  // Whoever submits in one turn of the event loop, such as all those whom one answer has woken, goes together.
  function pumpSoon(): void {
    if (soon || queue.length === 0 || underWay.size >= maxInFlight) return
    soon = true
    setImmediate(pump)
  }

  function pump(): void {
    soon = false
    while (queue.length > 0 && underWay.size < maxInFlight) {
      const { batch, left } = takeBatch(queue, underWay, options)
      queue = left
      if (batch.length === 0) return
      for (const one of batch) leave(one)
      void dispatch(batch)
    }
  }

  function leave({ weight }: Waiting<Item, Result>): void {
    waits.items -= 1
    waits.weight -= weight
  }

  async function dispatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    const touched = new Set(batch.flatMap(one => one.touches))
    underWay.add(touched)
    for (const one of batch) one.sent = true
    try {
      await send(batch)
      for (const one of batch) if (!one.settled) one.reject(new ArtifactError('internal', 'a request left an append unanswered'))
    } catch (error) {
      for (const one of batch) one.reject(error)
    }
    underWay.delete(touched)
    pumpSoon()
  }

  return {
    submit(item, { signal } = {}) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      const weight = weigh(item)
      if (waits.items >= maxWaiting || (waits.items > 0 && waits.weight + weight > maxWaitingWeight))
        return Promise.reject(tooMany(waits.items))
      const { promise, resolve, reject } = Promise.withResolvers<Result>()
      const giveUp = (): void => {
        if (!waiting.sent && !waiting.settled) leave(waiting)
        waiting.reject(signal?.reason)
      }
      const settle = (how: () => void): void => {
        if (waiting.settled) return
        waiting.settled = true
        signal?.removeEventListener('abort', giveUp)
        how()
      }
      const waiting: Waiting<Item, Result> = {
        item,
        touches: touches(item),
        weight,
        since: performance.now(),
        settled: false,
        sent: false,
        resolve: result => settle(() => resolve(result)),
        reject: error => settle(() => reject(error)),
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      queue.push(waiting)
      waits.items += 1
      waits.weight += weight
      pumpSoon()
      return promise
    },
  }
}

interface Waiting<Item, Result> extends Pending<Item, Result> {
  readonly touches: readonly string[]
  readonly weight: number
  settled: boolean
  sent: boolean
}

// How many items a batch looks past. Without a limit, a long queue for one subject would be gone through again for each of them.
const maxPassedOver = 1000

function takeBatch<Item, Result>(
  queue: readonly Waiting<Item, Result>[],
  underWay: ReadonlySet<ReadonlySet<string>>,
  { maxWeight, maxItems }: DispatcherOptions<Item, Result>,
) {
  const batch: Waiting<Item, Result>[] = []
  const passedOver: Waiting<Item, Result>[] = []
  const behind = new Set<string>()
  let weight = 0
  let looked = 0
  for (const waiting of queue) {
    const heavier = weight + waiting.weight
    if (batch.length === maxItems || (batch.length > 0 && heavier > maxWeight) || passedOver.length === maxPassedOver) break
    looked += 1
    if (waiting.settled) continue
    if (waiting.touches.some(what => behind.has(what) || [...underWay].some(touched => touched.has(what)))) {
      passedOver.push(waiting)
      for (const what of waiting.touches) behind.add(what)
    } else {
      batch.push(waiting)
      weight = heavier
    }
  }
  return { batch, left: [...passedOver, ...queue.slice(looked)] }
}

function tooMany(waiting: number): ArtifactError {
  return new ArtifactError('overloaded', `${waiting} writes are waiting already; try again in a second`, { details: { waiting } })
}
