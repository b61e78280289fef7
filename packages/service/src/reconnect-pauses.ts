/**
 * For the NATS client's `reconnectDelayHandler`. Left to itself that client compares times of the wall clock, and when this is stepped back while
 * a connection is down it does not try again before the clock is where it was: an hour back is an hour without NATS. The client asks here
 * before each attempt and adds the answer to the time of its last one. So "now" is an answer that is past by any clock, and a pause is taken
 * by a clock that never steps.
 * @param servers how many there are to be tried: a pause follows when each had its turn.
 * @param pauseMs the next pause, in milliseconds.
 */
export function reconnectPauses(servers: number, pauseMs: () => number): () => number {
  let left = servers
  let waitUntil = 0
  return () => {
    const now = performance.now()
    if (left === 0 && now < waitUntil) return waitUntil - now
    if (left === 0) left = servers
    left -= 1
    if (left === 0) waitUntil = now + pauseMs()
    return Number.NEGATIVE_INFINITY
  }
}
