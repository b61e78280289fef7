import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import { ArtifactStoreClient, type ClientOptions } from '../src/index.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** A bare HTTP server on a free port: the edge at which a test makes things go wrong. */
export class SmallServer implements AsyncDisposable {
  readonly #server: Server
  readonly url: string
  /** In the order of their coming. */
  readonly requests: IncomingMessage[] = []

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(handler: Handler): Promise<SmallServer> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const small = new SmallServer(server)
    server.on('request', (request, response) => {
      small.requests.push(request)
      void handler(request, response)
    })
    return small
  }

  /** Answers requests that ask first (`Expect: 100-continue`) without asking for their body. */
  answerExpectations(handler: Handler): void {
    this.#server.on('checkContinue', (request, response) => void handler(request, response))
  }

  /** A client that does not wait long between attempts. */
  client(options: Partial<ClientOptions> = {}): ArtifactStoreClient {
    return new ArtifactStoreClient({ url: this.url, token: 'secret', retry: quick, ...options })
  }

  breakConnections(): void {
    this.#server.closeAllConnections()
  }

  async connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

/** For one test file: starts servers, and closes them after the test that they were started in. */
export function useSmallServers(): (handler: Handler) => Promise<SmallServer> {
  const open: SmallServer[] = []
  afterEach(async () => {
    for (const server of open.splice(0)) await server[Symbol.asyncDispose]()
  })
  return async handler => {
    const server = await SmallServer.start(handler)
    open.push(server)
    return server
  }
}

export const quick = { firstDelayMs: 1, longestDelayMs: 5 }

export function sendJson(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

export function sendProblem(
  response: ServerResponse,
  status: number,
  kind: string,
  detail: string,
  headers: Record<string, string> = {},
): void {
  const problem = {
    type: `https://artifact-store.example/problems/${kind}`,
    title: kind,
    status,
    detail,
    details: { some: 'detail' },
  }
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(JSON.stringify(problem))
}

/** Reads a request's body whole. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A port at which nothing listens. */
export async function unusedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Waits until something holds, by asking again and again. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 5))
}
