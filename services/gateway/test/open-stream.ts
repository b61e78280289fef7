import { connect, type Socket } from 'node:net'

/** One block of a `text/event-stream`: its fields, and its comments under `''`. */
export type Block = Readonly<Record<string, string | undefined>>

export interface OpenStream {
  readonly response: Response
  /** All blocks so far, as soon as one of them is as wanted. @throws when the stream ends before. */
  until(isIt: (block: Block) => boolean): Promise<readonly Block[]>
  /** All blocks, when the server has ended the stream. */
  readonly ended: Promise<readonly Block[]>
  close(): void
}

/** Opens the event stream as any client of server-sent events would, by hand. */
export async function openStream(
  url: string,
  token: string,
  query = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenStream> {
  const leaving = new AbortController()
  const response = await fetch(`${url}/v1/events${query}`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers },
    signal: leaving.signal,
  })
  const blocks: Block[] = []
  let wake: () => void = () => undefined
  let over = false
  const read = async () => {
    let text = ''
    for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const parts = `${text}${chunk}`.split('\n\n')
      text = parts.pop() ?? ''
      blocks.push(...parts.map(parseBlock))
      wake()
    }
  }
  const ended = read()
    .catch(() => undefined)
    .then(() => {
      over = true
      wake()
      return blocks
    })
  return {
    response,
    ended,
    async until(isIt) {
      while (!blocks.some(isIt)) {
        if (over) throw new Error(`the stream ended after ${JSON.stringify(blocks.at(-1))}`)
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      return [...blocks]
    },
    close: () => leaving.abort(),
  }
}

/** Asks for the stream and does not read a byte of it. */
export function openAndNotRead(url: string, token: string, query: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.pause()
  socket.write(
    `GET /v1/events${query} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n\r\n`,
  )
  return socket
}

/** The sequences of the events among some blocks. */
export function sequencesIn(blocks: readonly Block[]): number[] {
  return blocks.filter(block => block['data'] !== undefined).map(block => Number(block['id']))
}

function parseBlock(text: string): Block {
  return Object.fromEntries(
    text.split('\n').map(line => {
      const at = line.indexOf(':')
      return [line.slice(0, at), line.slice(at + 1).trim()]
    }),
  )
}
