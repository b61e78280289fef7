import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { runCli } from '../src/cli.ts'
import { eventually } from '../src/eventually.ts'
import { follow } from '../src/follower.ts'
import { readServerSentEvents } from '../src/http-events.ts'
import { repository } from '../src/repository.ts'
import { temporaryDirectory } from '../src/temporary-directory.ts'
import { startBalancer } from '../src/upgrade/balancer.ts'
import { makeDeployment } from '../src/upgrade/deployment.ts'
import { migrationsOf, unpackPreviousVersion } from '../src/upgrade/previous-version.ts'
import { expectKept, type SteadyLoad, startLoad } from '../src/upgrade/steady-load.ts'

const head = z.looseObject({ head: z.int() })

it('goes from the version before to this one under load, and no request fails', async () => {
  await using scratch = await temporaryDirectory()
  const before = join(scratch.path, 'previous')
  await unpackPreviousVersion(before)
  const known = await migrationsOf(before)
  const added = (await migrationsOf(repository)).filter(name => !known.includes(name))
  expect(added, 'nothing to migrate: store an older version with npm run store-version -- COMMIT').not.toEqual([])

  await using deployment = await makeDeployment(join(scratch.path, 'data'))
  await deployment.migrate(before)
  await deployment.start(before)
  await using balancer = await startBalancer(deployment.gatewayPorts)
  const store = { url: balancer.url, token: deployment.token }
  // A stream ends with its gateway, and goes on at the other one.
  await using follower = follow(async function* (signal) {
    for (let after = 0; !signal.aborted; ) {
      for await (const event of readServerSentEvents(store, after, signal)) {
        after = event.sequence
        yield event
      }
    }
  })
  const goesOn = async (load: SteadyLoad) => {
    const since = load.finished
    await eventually('work goes on', () => (load.finished >= since + 6 ? true : load.failure()))
  }

  const load = startLoad(store.url, store.token, 2, 'fresh')
  await goesOn(load)
  await deployment.migrate(repository)
  // The version before serves on the new schema.
  await goesOn(load)
  await deployment.roll(repository, { stopping: port => balancer.takeOut(port), started: port => balancer.putBack(port) })
  await goesOn(load)
  const finished = [...(await load.stop())]

  // This version can be stopped without telling the balancer, and under connections that are used again and again.
  const more = startLoad(store.url, store.token, 2, 'kept')
  await goesOn(more)
  await deployment.roll(repository)
  await goesOn(more)
  finished.push(...(await more.stop()))

  await expectKept(store.url, store.token, finished)
  expect(await runCli(store, ['admin', 'verify'])).toMatchObject({ code: 0 })
  const { head: last } = head.parse(JSON.parse((await runCli(store, ['admin', 'rebuild', 'status', '--json'])).stdout))
  const seen = await follower.upTo(last)
  expect(seen.map(({ sequence }) => sequence)).toEqual(Array.from({ length: last }, (_, i) => i + 1))
}, 400_000)
