import { once } from 'node:events'
import { connect } from 'node:net'

/** One connection that sends the same request again and again, with as little work as there can be. */
export interface KeepAliveCaller extends Disposable {
  /** Sends the request and waits for its answer. @throws Error when the answer is not 200. */
  call(): Promise<void>
}

export async function openCaller(port: number, request: Buffer): Promise<KeepAliveCaller> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let answered = Promise.withResolvers<void>()
  let received = Buffer.alloc(0)
  socket.on('error', error => answered.reject(error))
  socket.on('close', () => answered.reject(new Error('the server has closed the connection')))
  socket.on('data', data => {
    received = received.length === 0 ? data : Buffer.concat([received, data])
    const length = answerLength(received)
    if (length === undefined || received.length < length) return
    if (received.toString('latin1', 9, 12) === '200') answered.resolve()
    else answered.reject(new Error(received.toString()))
    received = Buffer.alloc(0)
  })
  return {
    call() {
      answered = Promise.withResolvers()
      socket.write(request)
      return answered.promise
    },
    [Symbol.dispose]() {
      answered.promise.catch(() => undefined)
      socket.destroy()
    },
  }
}

/** Of the whole answer, once its head is there. */
function answerLength(received: Buffer): number | undefined {
  const head = received.indexOf('\r\n\r\n')
  if (head < 0) return undefined
  const length = /\r\ncontent-length: (\d+)/i.exec(received.toString('latin1', 0, head))?.[1]
  if (length === undefined) throw new Error('an answer without a length')
  return head + 4 + Number(length)
}
