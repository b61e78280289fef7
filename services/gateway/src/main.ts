import { run } from '@artifact-store/service'
import { gatewayApp } from './app.ts'
import { gatewayConfig } from './config.ts'

await run({ name: 'gateway', config: gatewayConfig, start: gatewayApp })
