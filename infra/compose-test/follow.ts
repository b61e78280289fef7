// Runs in a container of its own beside a deployment, below packages/cli, whose dependencies it has: follows the events over NATS with the login of
// subscribers, and writes a line of JSON for each of them, and for where they come from.
import { readFileSync } from 'node:fs'
import { ArtifactStoreClient } from '@artifact-store/client'

const { ARTIFACT_STORE_URL: url = '', ARTIFACT_STORE_TOKEN: token = '' } = process.env
const client = new ArtifactStoreClient({ url, token, retry: { attempts: 1000 } })
const nats = { url: readFileSync('/run/artifact-store/nats-url', 'utf8').trim() }
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const events = client.events.subscribe({ after: 0, nats, onSource: ({ source }) => tell({ source }) })
for await (const { sequence } of events) tell({ sequence: Number(sequence) })
