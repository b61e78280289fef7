/** How much one request to a log-writer may carry. */
export const maxAppendsPerRequest = 1000
/** Of one append. */
export const maxEventsPerAppend = 2000
export const maxConditionsPerAppend = 2000
/** The most bytes of one request body. */
export const maxAppendRequestBytes = 16 * 1024 * 1024
