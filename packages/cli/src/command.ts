import { Command, InvalidArgumentError } from 'commander'
import type { Output } from './output.ts'
import { type GlobalOptions, openSession, type Session } from './session.ts'

/** What the process gives to the commands. */
export interface Surroundings {
  readonly output: Output
  readonly signal: AbortSignal
}

/** A command with the options that all of them take, so that those may stand before or behind its name. */
export function defineCommand(name: string, description: string): Command {
  return withGlobalOptions(new Command(name).description(description))
}

export function withGlobalOptions(command: Command): Command {
  return command
    .option('--url <url>', 'where the store is (ARTIFACT_STORE_URL, else http://127.0.0.1:8080)')
    .option('--token <token>', 'the token to use (ARTIFACT_STORE_TOKEN, else that of the store on this machine)')
    .option('--json', 'print the result as JSON')
}

/** Opens a session for one command and closes it behind it. */
export async function inSession(
  surroundings: Surroundings,
  command: Command,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  using session = openSession(command.optsWithGlobals<GlobalOptions>(), surroundings.output, surroundings.signal)
  await work(session)
}

/** An option's value as a whole number. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return text => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`)
  }
}

/** Collects `key=value` options. */
export function collectPair(text: string, soFar: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Give it as key=value.')
  return { ...soFar, [text.slice(0, at)]: text.slice(at + 1) }
}

/** Collects the values of an option that may be given several times. */
export function collect(text: string, soFar: readonly string[] = []): string[] {
  return [...soFar, text]
}
