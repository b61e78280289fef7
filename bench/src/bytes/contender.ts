import type { Connection } from './connection.ts'

/** Bytes to be sent, all different from any before. */
export interface Payload {
  /** No other has it. */
  readonly name: string
  readonly size: number
  readonly pieces: readonly Uint8Array[]
  /** Hex; made before the measurement for what is large. */
  readonly sha256: () => string
}

/** A server that keeps files, running. */
export interface Contender extends AsyncDisposable {
  readonly name: string
  readonly port: number
  /** The topmost of its processes: processor time is that of all below it. */
  readonly pid: number
  /** The process that moves the bytes: memory is that one's. */
  readonly mover: number
  /** Stores the bytes; returns how they are fetched again. */
  put(connection: Connection, payload: Payload): Promise<string>
  /** @returns how many bytes came. */
  get(connection: Connection, address: string): Promise<number>
  /** Many small files in one request, where it can do that. */
  readonly tar?: (connection: Connection, pieces: readonly Uint8Array[], files: number) => Promise<void>
}

/** @throws Error unless the status is one of those. */
export function expectStatus(
  what: string,
  { status, text }: { status: number; text: string },
  ...expected: readonly number[]
): void {
  if (!expected.includes(status)) throw new Error(`${what} was answered ${status}: ${text.slice(0, 300)}`)
}
