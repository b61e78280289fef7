import type { NatsConnection } from 'nats'
import { listen } from './listen.ts'
import { connectNats, type Nats } from './nats.ts'
import type { Scope } from './run.ts'
import type { Secret } from './secret.ts'

export interface WakeUpSources {
  readonly databaseUrl: Secret
  /** The channel on which PostgreSQL tells that there is something new. */
  readonly channel: string
  readonly natsUrl?: Secret | undefined
  /** Rings for what goes by on the broker; disposed of when the process stops. */
  readonly overNats: (connection: NatsConnection) => Disposable
  readonly ring: () => void
}

/**
 * Has `ring` called when there is something new: by PostgreSQL always, since it is where the truth is and one connection costs
 * little, and by NATS where there is a broker. The broker may come late, go and come back; nobody waits for it.
 */
export async function startWakeUps(scope: Scope, sources: WakeUpSources): Promise<void> {
  const { logger, signal, name } = scope
  const { databaseUrl, channel, natsUrl, overNats, ring } = sources
  scope.use(await listen(databaseUrl, channel, ring, { signal, logger, applicationName: `artifact-store ${name}` }))
  if (!natsUrl) {
    logger.info('no NATS_URL: wake-ups come from PostgreSQL')
    return
  }
  let broker: Nats | undefined
  // Nobody waits for the broker, so what is missing without it is worth a warning and no more.
  scope.health.check('nats', async () =>
    broker?.connected() ? 'connected' : { warning: 'the broker does not answer: wake-ups come from PostgreSQL alone' },
  )
  const connecting = connectNats(natsUrl, { name: `artifact-store ${name}`, logger, signal }).then(
    nats => {
      broker = nats
      scope.use(nats)
      scope.use(overNats(nats.connection))
    },
    (error: unknown) => {
      if (!signal.aborted) logger.error({ err: error }, 'NATS cannot be used')
    },
  )
  scope.defer(() => connecting)
}
