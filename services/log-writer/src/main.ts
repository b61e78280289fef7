import { run } from '@artifact-store/service'
import { logWriterApp } from './app.ts'
import { logWriterConfig } from './config.ts'

await run({ name: 'log-writer', config: logWriterConfig, start: logWriterApp })
