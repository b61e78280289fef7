/** Where the relay is. `message` says what is wrong and what to do, `cause` holds the error behind it. */
export interface RelayStatus {
  readonly state: 'starting' | 'relaying' | 'disconnected' | 'forked'
  /** The stream's last number, as far as known. */
  readonly streamSequence: number
  /** The log's last sequence, as far as known. */
  readonly logSequence: number
  readonly message?: string | undefined
  readonly cause?: unknown
}

export type StatusChange = Pick<RelayStatus, 'state' | 'message' | 'cause'> &
  Partial<Pick<RelayStatus, 'streamSequence' | 'logSequence'>>

/** Passes a change on if it is one; numbers that it leaves out stay as they were. */
export function createReporter(onState: ((status: RelayStatus) => void) | undefined): (change: StatusChange) => void {
  let status: RelayStatus = { state: 'starting', streamSequence: 0, logSequence: 0 }
  onState?.(status)
  return change => {
    const { streamSequence = status.streamSequence, logSequence = status.logSequence } = change
    const next: RelayStatus = { ...change, streamSequence, logSequence }
    const same =
      next.state === status.state &&
      next.message === status.message &&
      streamSequence === status.streamSequence &&
      next.logSequence === status.logSequence
    status = next
    if (!same) onState?.(status)
  }
}
