import { CommanderError } from 'commander'
import { sentenceOf } from './failure.ts'
import { openOutput, type Sink } from './output.ts'
import { artifactProgram } from './program.ts'

/** Why a command was stopped from outside; it becomes the exit code. */
export class Stopped extends Error {
  readonly exitCode: number

  constructor(why: string, exitCode: number) {
    super(why)
    this.exitCode = exitCode
  }
}

/**
 * Runs one command line to its end.
 * @param args without the program's own name.
 * @returns the exit code: 0 it worked, 1 it did not, 2 the command line is wrong; that of `Stopped` when the signal aborts with one.
 */
export async function run(
  args: readonly string[],
  streams: { stdout: Sink; stderr: Sink; signal: AbortSignal },
): Promise<number> {
  const { stdout, stderr, signal } = streams
  const output = openOutput(stdout, stderr, signal)
  try {
    await artifactProgram({ output, signal }).parseAsync(args, { from: 'user' })
    return signal.reason instanceof Stopped ? signal.reason.exitCode : 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (signal.reason instanceof Stopped) return signal.reason.exitCode
    output.note(sentenceOf(error))
    return 1
  }
}
