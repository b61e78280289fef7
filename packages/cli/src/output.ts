import type { Writable } from 'node:stream'

/** A stream that a command writes to, as far as it matters whether it is a terminal. */
export type Sink = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** Where a command's words go: results to stdout, everything else to stderr. */
export interface Output {
  readonly stdout: Sink
  readonly stderr: Sink
  /** Writes one line of the result, and waits where its reader is slower. */
  line(text: string): Promise<void>
  /** Writes several. */
  lines(texts: readonly string[]): Promise<void>
  /** The one JSON document of a command with `--json`. */
  json(value: unknown): Promise<void>
  /** Says something about the work, on stderr, above a progress bar where there is one. */
  note(sentence: string): void
  /** Takes over the last line of stderr; `undefined` gives it back. */
  holdLine(hold: HeldLine | undefined): void
}

/** Something that is drawn on the last line, which must make room for a note. */
interface HeldLine {
  clear(): void
  draw(): void
}

/** @param signal ends the waiting for a reader that does not read. */
export function openOutput(stdout: Sink, stderr: Sink, signal: AbortSignal): Output {
  let held: HeldLine | undefined
  const write = (text: string) => (stdout.write(text) || signal.aborted ? Promise.resolve() : drained(stdout, signal))
  return {
    stdout,
    stderr,
    line: text => write(`${text}\n`),
    lines: texts => (texts.length === 0 ? Promise.resolve() : write(`${texts.join('\n')}\n`)),
    json: value => write(`${JSON.stringify(value, undefined, 2)}\n`),
    note(sentence) {
      held?.clear()
      stderr.write(`artifact: ${sentence}\n`)
      held?.draw()
    },
    holdLine(hold) {
      held = hold
    },
  }
}

function drained(stdout: Sink, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      stdout.off('drain', done)
      stdout.off('close', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    stdout.once('drain', done)
    stdout.once('close', done)
    signal.addEventListener('abort', done, { once: true })
  })
}
