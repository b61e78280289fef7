import { NatsError } from 'nats'

/** The codes of JetStream's own errors. */
export const jetStreamError = {
  streamNotFound: 10059,
  noMessageFound: 10037,
  nameTaken: 10058,
  wrongLastSequence: 10071,
} as const

/** Undefined in place of that one error. */
export async function ignoring<T>(errorCode: number, promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === errorCode) return undefined
    throw error
  }
}
