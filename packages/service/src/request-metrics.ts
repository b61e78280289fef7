import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** The labels of what is measured of requests. All of them are bounded: `route` is the pattern that matched, `method` one that HTTP defines. */
type Endpoint = 'method' | 'route'

export interface RequestMetrics {
  /** A request has come. */
  begun(): void
  /** Its answer has ended. @param complete false where it ended before its last byte. */
  ended(request: EndedRequest): void
}

interface EndedRequest {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly seconds: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly complete: boolean
}

/** What is measured of the requests of a process; made at the first call for a registry. */
export function requestMetrics(registry: Registry): RequestMetrics {
  const durations = once(registry, 'http_request_duration_seconds', Histogram<Endpoint | 'status'>, name => {
    return new Histogram({
      name,
      help: 'Duration of HTTP requests, until the last byte of the answer; status 499 where the client left before any answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers: [registry],
    })
  })
  const inFlight = once(registry, 'http_requests_in_flight', InFlight, name => new InFlight(name, registry))
  const tallied = (name: string, help: string): TalliedCounter =>
    once(registry, name, TalliedCounter, () => new TalliedCounter(name, help, registry))
  const bytesIn = tallied(
    'http_request_bytes_total',
    'Bytes that came with HTTP requests, their heads included; counted when the answer has ended.',
  )
  const bytesOut = tallied(
    'http_response_bytes_total',
    'Bytes that were sent as answers to HTTP requests, their heads included; counted when the answer has ended.',
  )
  const broken = tallied(
    'http_responses_broken_total',
    'Answers that ended before their last byte: the client left, or something failed and they were cut off.',
  )
  return {
    begun() {
      inFlight.now += 1
    },
    ended({ method: given, route, status, seconds, ...rest }) {
      const method = methods.has(given) ? given : '_OTHER'
      inFlight.now -= 1
      durations.observe({ method, route, status: String(status) }, seconds)
      bytesIn.add(method, route, rest.bytesIn)
      bytesOut.add(method, route, rest.bytesOut)
      if (!rest.complete) broken.add(method, route, 1)
    },
  }
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** How many there are, as a plain number, for the same reason as below. */
class InFlight extends Gauge {
  now = 0

  constructor(name: string, registry: Registry) {
    super({
      name,
      help: 'HTTP requests whose answer has not ended.',
      registers: [registry],
      collect() {
        if (this instanceof InFlight) this.set(this.now)
      },
    })
  }
}

/**
 * A counter that adds to plain numbers and makes metrics of them when it is asked: the library's own way takes a microsecond for each, which
 * appends would feel.
 */
class TalliedCounter extends Counter<Endpoint> {
  readonly #routes = new Map<string, Map<string, { sum: number }>>()

  constructor(name: string, help: string, registry: Registry) {
    super({
      name,
      help,
      labelNames: ['method', 'route'],
      registers: [registry],
      collect() {
        if (this instanceof TalliedCounter) this.#settle()
      },
    })
  }

  add(method: string, route: string, value: number): void {
    const tallies = this.#routes.get(route) ?? new Map<string, { sum: number }>()
    const tally = tallies.get(method)
    if (tally !== undefined) tally.sum += value
    else this.#routes.set(route, tallies.set(method, { sum: value }))
  }

  #settle(): void {
    this.reset()
    for (const [route, tallies] of this.#routes) for (const [method, { sum }] of tallies) this.inc({ method, route }, sum)
  }
}

/** The registry's metric of that name, which several parts of a process share. */
function once<Metric extends object>(
  registry: Registry,
  name: string,
  kind: abstract new (...given: never[]) => Metric,
  make: (name: string) => Metric,
): Metric {
  const existing: unknown = registry.getSingleMetric(name)
  return existing instanceof kind ? existing : make(name)
}
