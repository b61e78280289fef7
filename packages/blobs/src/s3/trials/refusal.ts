import { statusOf } from '../failure.ts'

/** The status with which a server refuses; undefined when it does what it was asked to. What is no refusal is thrown. */
export async function refusalOf(asked: Promise<unknown>): Promise<number | undefined> {
  try {
    await asked
    return undefined
  } catch (error) {
    const status = statusOf(error) ?? statusOf(error instanceof Error ? error.cause : undefined)
    // 501: the server says that it does not know what it was asked.
    if (status !== undefined && ((status >= 400 && status < 500) || status === 501)) return status
    throw error
  }
}
