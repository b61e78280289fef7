import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessExit } from '@artifact-store/embedded'
import { eventually } from '../../eventually.ts'
import { type ListedProcess, send, stillRunning } from '../../processes.ts'

/** A process as it runs. */
export interface Running {
  readonly exited: Promise<ProcessExit>
}

export interface PartOptions {
  readonly name: string
  /** Starts it; resolves as soon as its end can be waited for. @throws when it does not start: it is tried again. */
  readonly start: () => Promise<Running>
  /** The processes that it consists of now, its first one first; also while it starts. */
  readonly processes: () => Promise<readonly ListedProcess[]>
  /** Told what happens to it. */
  readonly note: (what: string) => void
}

/**
 * A process of the system under test, kept running as a supervisor would keep it: whenever it has ended it is started again. Faults may
 * overlap: it stays down, or frozen, until the last of them is over.
 */
export class Part implements AsyncDisposable {
  readonly name: string
  /** Ends that nobody asked for. */
  readonly ownEnds: ProcessExit[] = []
  readonly #options: PartOptions
  readonly #keeping: Promise<void>
  readonly #closing = new AbortController()
  #holds = 0
  #freezes = 0
  readonly #frozen: ListedProcess[] = []
  #running: Running | undefined

  constructor(options: PartOptions) {
    this.name = options.name
    this.#options = options
    this.#keeping = this.#keep()
  }

  /** Whether it has been started and has not ended. */
  get isUp(): boolean {
    return this.#running !== undefined
  }

  /** What it consists of now, its first process first. */
  processes(): Promise<readonly ListedProcess[]> {
    return this.#options.processes()
  }

  /** `kill -9`, of all its processes at once. @returns lets it start again, unless another fault still holds it down. */
  async kill(): Promise<() => void> {
    this.#holds += 1
    await this.#kill9()
    return () => {
      this.#holds -= 1
    }
  }

  /** Stops it in its tracks (SIGSTOP). @returns lets it go on. */
  async freeze(): Promise<() => Promise<void>> {
    this.#freezes += 1
    const frozen = await this.#options.processes()
    // The first one first: while it stands still it starts no more of them.
    this.#signal('SIGSTOP', frozen)
    this.#frozen.push(...frozen)
    return async () => {
      this.#freezes -= 1
      // Those that were stopped, and not those that there are: a child whose parent has been killed is not found any more, and would stand still for ever.
      if (this.#freezes === 0) this.#signal('SIGCONT', await stillRunning(this.#frozen.splice(0)))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#kill9()
    await this.#keeping
  }

  #signal(signal: NodeJS.Signals, processes: readonly ListedProcess[]): void {
    for (const { pid } of processes) send(pid, signal)
    this.#options.note(`${signal} to ${processes.length} of ${this.name}`)
  }

  async #kill9(): Promise<void> {
    await eventually(`${this.name} is gone`, async () => {
      const processes = await this.#options.processes()
      for (const { pid } of processes) send(pid, 'SIGKILL')
      return (await stillRunning(processes)).length === 0 ? true : undefined
    })
    this.#options.note(`killed ${this.name}`)
  }

  async #keep(): Promise<void> {
    const { name, note } = this.#options
    while (!this.#closing.signal.aborted) {
      if (this.#holds > 0) {
        await sleep(10)
        continue
      }
      try {
        this.#running = await this.#options.start()
      } catch (error) {
        note(`${name} does not start: ${error instanceof Error ? error.message : String(error)}`)
        await sleep(100)
        continue
      }
      note(`started ${name}`)
      // It was killed before there was anything to kill.
      if (this.#holds > 0 || this.#closing.signal.aborted) await this.#kill9()
      const exit = await this.#running.exited
      this.#running = undefined
      if (this.#holds === 0 && !this.#closing.signal.aborted) {
        this.ownEnds.push(exit)
        note(`${name} ended by itself (${exit.signal ?? exit.code})`)
        await sleep(50)
      }
    }
  }
}
