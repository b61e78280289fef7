import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'

/** An answer over HTTP, as it came, below all that retries. */
interface Exchange {
  readonly status: number
  /** Where the answer says that the write is. */
  readonly position: number | undefined
}

/** Collects, for each call that is made `during` it, the answers that Node's HTTP client got. */
export interface ExchangeWatch extends Disposable {
  during<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly result: PromiseSettledResult<T>; readonly exchanges: readonly Exchange[] }>
}

export function watchExchanges(): ExchangeWatch {
  const current = new AsyncLocalStorage<Exchange[]>()
  const owners = new WeakMap<ClientRequest, Exchange[]>()
  const begin = (message: unknown) => {
    const { request } = message as { request: ClientRequest }
    const exchanges = current.getStore()
    if (exchanges) owners.set(request, exchanges)
  }
  const finish = (message: unknown) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
    const position = response.headers['artifact-position']
    owners.get(request)?.push({
      status: response.statusCode ?? 0,
      position: typeof position === 'string' ? Number(position) : undefined,
    })
  }
  subscribe('http.client.request.created', begin)
  subscribe('http.client.response.finish', finish)
  return {
    async during(work) {
      const exchanges: Exchange[] = []
      const [result] = await current.run(exchanges, () => Promise.allSettled([work()]))
      return { result, exchanges }
    },
    [Symbol.dispose]() {
      unsubscribe('http.client.request.created', begin)
      unsubscribe('http.client.response.finish', finish)
    },
  }
}
