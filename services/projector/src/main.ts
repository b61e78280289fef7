import { run } from '@artifact-store/service'
import { projectorApp } from './app.ts'
import { projectorConfig } from './config.ts'

await run({ name: 'projector', config: projectorConfig, start: projectorApp })
