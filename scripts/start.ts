import { main } from '@artifact-store/embedded'

process.exitCode = await main(process.argv.slice(2))
