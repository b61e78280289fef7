import { ArtifactStoreClient } from '../../src/index.ts'

// Follows the log until it comes over NATS, takes an event, and leaves. The process ends by itself only when nothing is left open.
const [url = '', token = '', natsUrl = ''] = process.argv.slice(2)
using client = new ArtifactStoreClient({ url, token })
let joined = false
const events = client.events.subscribe({
  nats: { url: natsUrl },
  onSource({ source }) {
    joined ||= source === 'nats'
    if (source === 'nats') process.stdout.write('joined\n')
  },
})
for await (const { sequence } of events) {
  if (!joined) continue
  process.stdout.write(`${sequence}\n`)
  break
}
