/**
 * The `source` of every event (CloudEvents 1.0): together with `id` it names an event. A relative reference, so that it is the same
 * on the broker and behind every address of the gateway.
 */
export const eventSource = '/artifact-store'
