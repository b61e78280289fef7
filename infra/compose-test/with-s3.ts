import { type Checks, must } from './checks.ts'
import { artifact, artifactJson } from './cli.ts'
import { Deployment } from './deployment.ts'
import { Load } from './load.ts'
import { pushAndPull } from './push-and-pull.ts'

/** With infra/compose/s3.yml: the bytes in the S3 store that is the example. */
export async function withS3(checks: Checks): Promise<void> {
  await using deployment = await Deployment.prepare('artifact-store-test-s3', ['infra/compose/s3.yml'])
  await checks.that('the S3 store is made, and the gateway keeps its bytes there', async () => {
    await deployment.compose('--profile', 'tools', 'build')
    await deployment.up()
  })
  const store = { url: deployment.url, token: await deployment.token() }
  await checks.that('a directory goes in and comes out', async () => {
    await pushAndPull(store, deployment.directory)
    const { backends } = (await artifactJson(store, 'admin', 'backends')) as {
      readonly backends: readonly { readonly url: string }[]
    }
    must(backends[0]?.url.startsWith('s3://artifacts') === true, `the backend is ${backends[0]?.url}`)
  })
  const load = new Load(store.url, store.token)
  load.start(3)
  await checks.that('the S3 store is killed under load, comes back, and nobody is told of more than a delay', async () => {
    await load.goesOn()
    await deployment.crash('s3')
    await load.goesOn()
  })
  await load.stop()
  await checks.that('all that was acknowledged is there', async () => {
    load.mustNotHaveFailed()
    await load.verify()
    await artifact(store, 'admin', 'check', '--bytes')
  })
  process.stdout.write(`    ${load.tells}\n`)
}
