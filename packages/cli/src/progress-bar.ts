import type { Output } from './output.ts'
import { type Progress, plainProgress, renderProgress } from './progress-line.ts'

const redrawMs = 100
/** How often a line is written where there is no terminal, in milliseconds: a long job shows life, a short one says nothing. */
const plainMs = 10_000

/** Shows progress on stderr: a bar on a terminal, elsewhere a line now and then. Disposing it takes the bar away. */
export class ProgressBar implements Disposable {
  readonly #output: Output
  readonly #timer: NodeJS.Timeout
  readonly #startedAt = performance.now()
  #latest: Progress | undefined

  constructor(output: Output) {
    this.#output = output
    const isTerminal = output.stderr.isTTY === true
    // It must not keep the process alive.
    this.#timer = setInterval(() => (isTerminal ? this.#redraw() : this.#say()), isTerminal ? redrawMs : plainMs).unref()
    if (isTerminal) output.holdLine({ clear: () => this.#clear(), draw: () => this.#draw() })
  }

  update(progress: Progress): void {
    this.#latest = progress
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#output.holdLine(undefined)
    if (this.#output.stderr.isTTY === true) this.#clear()
  }

  #redraw(): void {
    this.#clear()
    this.#draw()
  }

  #clear(): void {
    this.#output.stderr.write('\r\x1b[2K')
  }

  #draw(): void {
    if (!this.#latest) return
    const elapsedSeconds = (performance.now() - this.#startedAt) / 1000
    // The last column stays free: some terminals wrap when it is written.
    this.#output.stderr.write(renderProgress(this.#latest, elapsedSeconds, (this.#output.stderr.columns ?? 80) - 1))
  }

  #say(): void {
    if (this.#latest) this.#output.note(plainProgress(this.#latest))
  }
}
