import { doubtful, type Finding, good } from './finding.ts'

/** How far two clocks may be apart before it is worth a word, in milliseconds; the header has whole seconds. */
const tolerableMs = 5000

/** Compares this machine's clock with the gateway's, which read its own somewhere between the question and the answer. */
export function* clockFindings(
  date: Date | undefined,
  { askedAt, answeredAt }: { askedAt: number; answeredAt: number },
): Generator<Finding> {
  if (date === undefined || Number.isNaN(date.getTime())) {
    yield doubtful(
      'clock',
      'the answer has no Date, so the clocks cannot be compared',
      'see whether a proxy takes the header away',
    )
    return
  }
  // The header's second began up to a second before the clock was read.
  const ahead = date.getTime() - answeredAt
  const behind = askedAt - (date.getTime() + 1000)
  const offBy = Math.max(ahead, behind)
  if (offBy <= tolerableMs) yield good('clock', "the gateway's clock agrees with this machine's")
  else {
    yield doubtful(
      'clock',
      `the gateway's clock is ${Math.round(offBy / 1000)} seconds ${ahead > behind ? 'ahead of' : 'behind'} this machine's`,
      'let both machines keep time by NTP: tokens expire, and events are dated, by the clocks of the servers',
    )
  }
}
