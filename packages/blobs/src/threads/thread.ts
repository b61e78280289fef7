import { Worker } from 'node:worker_threads'
import { ArtifactError } from '@artifact-store/core'

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * A thread that is told things, and answers what it is asked in the order in which it is asked. It keeps the process alive only while an
 * answer is outstanding.
 */
export class Thread<Order, Answer> {
  readonly #worker: Worker
  readonly #name: string
  readonly #waiting: Waiting<Answer>[] = []
  #failure: Error | undefined

  /** @param name for the message of an error, e.g. `hashing`. */
  constructor(script: URL, name: string, workerData: unknown) {
    this.#name = name
    this.#worker = new Worker(script, { workerData, name, resourceLimits: { maxYoungGenerationSizeMb: 4 } })
    this.#worker.unref()
    this.#worker.on('message', (answer: Answer) => {
      this.#waiting.shift()?.resolve(answer)
      if (this.#waiting.length === 0) this.#worker.unref()
    })
    this.#worker.on('error', cause => this.#fail(cause))
    this.#worker.on('exit', code => this.#fail(new Error(`it ended with code ${code}`)))
  }

  /** It has ended: whatever it is asked from now on is refused. */
  get failed(): boolean {
    return this.#failure !== undefined
  }

  /** @throws ArtifactError `internal` when the thread ends before it answers. */
  ask(order: Order, transfer: readonly ArrayBuffer[] = []): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure)
        return
      }
      this.#worker.ref()
      this.#waiting.push({ resolve, reject })
      this.#worker.postMessage(order, transfer)
    })
  }

  /** For what is not answered. */
  tell(order: Order): void {
    this.#worker.postMessage(order)
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(cause: unknown): void {
    this.#failure ??= new ArtifactError('internal', `the ${this.#name} thread has ended; try again`, { cause })
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
  }
}
