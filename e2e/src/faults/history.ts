import type { AppendOutcome, Condition } from '@artifact-store/log'

/** When something was asked and answered: milliseconds of one clock that never steps. */
interface Span {
  readonly asked: number
  readonly answered: number
}

/** An event as a client sent it. */
export interface SentEvent {
  readonly type: string
  readonly kind: string
  readonly id: string
  /** Unique to this event, so that it can be found again whatever else the log says of it. */
  readonly actor: string
  /** Of the payload, in hex. */
  readonly digest: string
}

/** One call of an append, of which there may be several with one key. */
export interface AppendCall extends Span {
  readonly client: string
  readonly key: string
  readonly conditions: readonly Condition[]
  readonly events: readonly SentEvent[]
  readonly answer: AppendAnswer
}

export type AppendAnswer =
  | AppendOutcome
  /** Refused for what it says: it must never be in the log. */
  | { readonly outcome: 'refused'; readonly message: string }
  /** Nobody knows what became of it. */
  | { readonly outcome: 'unknown'; readonly message: string }
  /** An answer that nobody should ever get. */
  | { readonly outcome: 'broken'; readonly message: string }

/** A call of the gateway's API, as its user sees it. */
export interface GatewayCall extends Span {
  readonly client: string
  readonly call: GatewayRequest
  /** Each answer that came over HTTP, retries included, in order. */
  readonly exchanges: readonly { readonly status: number; readonly position: number | undefined }[]
  readonly answer: GatewayAnswer
}

export type GatewayRequest =
  | { readonly does: 'create'; readonly key: string }
  | { readonly does: 'put'; readonly id: string; readonly path: string; readonly digest: string }
  | { readonly does: 'finalize'; readonly id: string }
  | { readonly does: 'discard'; readonly id: string }

export type GatewayAnswer =
  | { readonly outcome: 'created'; readonly id: string }
  | { readonly outcome: 'stored' }
  | { readonly outcome: 'finalized'; readonly manifestDigest: string; readonly fileCount: number }
  | { readonly outcome: 'discarded' }
  /** A refusal with a reason that a client acts on. */
  | { readonly outcome: 'refused'; readonly kind: string; readonly message: string }
  | { readonly outcome: 'unknown'; readonly message: string }
  | { readonly outcome: 'broken'; readonly message: string }

/** A package as a reader of the views was shown it; `undefined` for one that is said not to be there. */
interface PackageRead extends Span {
  readonly client: string
  readonly id: string
  /** What the reader asked to see at least. */
  readonly minPosition: number
  readonly shown: ShownPackage | undefined
}

export interface ShownPackage {
  readonly revision: number
  readonly state: string
  readonly fileCount: number
}

/** An event as somebody was shown it: its number, and all that was said about it in one text. */
export interface Shown {
  readonly sequence: number
  readonly imprint: string
}

/** A page of `GET /v1/events`. */
export interface PageRead extends Span {
  readonly client: string
  readonly after: number
  readonly limit: number
  readonly filter: { readonly type?: string; readonly subject?: string }
  /** Up to where the answer says that it was read. */
  readonly position: number
  /** Whether it says that nothing comes behind it. */
  readonly atEnd: boolean
  readonly events: readonly Shown[]
}

/** What a subscriber was given on one connection that began behind `after`. */
export interface Delivery {
  readonly subscriber: string
  readonly after: number
  readonly events: Shown[]
  /** What the subscriber could not believe, if that is why the connection ended. */
  complaint?: string
}

/** All that clients were told in a run. */
export interface History {
  readonly appends: AppendCall[]
  readonly gatewayCalls: GatewayCall[]
  readonly packageReads: PackageRead[]
  readonly pageReads: PageRead[]
  readonly deliveries: Delivery[]
}

export function emptyHistory(): History {
  return { appends: [], gatewayCalls: [], packageReads: [], pageReads: [], deliveries: [] }
}
