/** Who talks to whom over a link of its own. `client` appends and uploads; `subscriber` reads the log and the event stream. */
export const pairs = [
  'client-gateway',
  'client-log-writer',
  'gateway-log-writer',
  'gateway-postgres',
  'gateway-nats',
  'log-writer-postgres',
  'log-writer-nats',
  'projector-postgres',
  'projector-nats',
  'subscriber-postgres',
  'subscriber-nats',
] as const

export type Pair = (typeof pairs)[number]
