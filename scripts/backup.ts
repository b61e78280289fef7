import { backupMain } from '@artifact-store/embedded'

process.exitCode = await backupMain('backup', process.argv.slice(2))
