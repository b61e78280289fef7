import { type Link, openLink } from './link.ts'
import { type Pair, pairs } from './pairs.ts'

/** All links of a world, and where they lead. */
export interface Network extends AsyncDisposable {
  of(pair: Pair): readonly Link[]
  /** Opens a link to a part. @returns the address, as host and port, that the one who calls has to know. */
  lead(pair: Pair, from: string, to: string): Promise<string>
  /** A part listens here now: all links to it lead there. */
  listensAt(part: string, port: number): void
  /** Where a part listened last. */
  portOf(part: string): number | undefined
}

export function openNetwork(): Network {
  const opened = new AsyncDisposableStack()
  const ports = new Map<string, number>()
  const byPair = new Map<Pair, Link[]>(pairs.map(pair => [pair, []]))
  const byTarget = new Map<string, Link[]>()
  return {
    of: pair => byPair.get(pair) ?? [],
    async lead(pair, from, to) {
      const link = opened.use(await openLink(`${from} to ${to}`))
      byPair.get(pair)?.push(link)
      byTarget.set(to, [...(byTarget.get(to) ?? []), link])
      // It may have come up before.
      link.leadTo(ports.get(to))
      return `127.0.0.1:${link.port}`
    },
    listensAt(part, port) {
      ports.set(part, port)
      for (const link of byTarget.get(part) ?? []) link.leadTo(port)
    },
    portOf: part => ports.get(part),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
