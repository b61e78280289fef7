import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { defaultStreamName } from '@artifact-store/log'
import { compileCache } from '@artifact-store/testkit'
import { expect, it } from 'vitest'
import { expectSameNumbers, openLog, operate, untilWhole } from './relay-world.ts'
import { startBroker } from './test-broker.ts'

const rounds = 8

it('several relays that are killed and started again, and a broker that is, put every event into the stream once', async () => {
  await using broker = await startBroker()
  await using log = await openLog()
  const relays: RelayProcess[] = [0, 1, 2].map(() => startProcess(log.url, broker.url))
  await using _ = { [Symbol.asyncDispose]: async () => void (await Promise.all(relays.map(relay => relay.kill()))) }

  const lastSequence = () =>
    operate(broker, async manager => (await manager.streams.info(defaultStreamName)).state.last_seq).catch(() => 0)
  for (let round = 0; round < rounds; round += 1) {
    const behind = (await log.head()) + 1
    const grown = log.grow(300)
    // In the middle of it.
    await expect.poll(lastSequence, { timeout: 30_000, interval: 5 }).toBeGreaterThan(behind)
    if (round % 4 === 3) {
      await broker.kill()
      await broker.start()
    } else {
      await relays.shift()?.kill()
      relays.push(startProcess(log.url, broker.url))
    }
    await grown
  }
  await untilWhole(broker, log)
  await expectSameNumbers(broker, log)
}, 120_000)

interface RelayProcess {
  /** With SIGKILL. */
  kill(): Promise<void>
}

function startProcess(databaseUrl: string, brokerUrl: string): RelayProcess {
  const script = new URL('relay-process.ts', import.meta.url).pathname
  const child: ChildProcess = spawn(process.execPath, [script, databaseUrl, brokerUrl], {
    env: compileCache(),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  return {
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
