import { backupMain } from '@artifact-store/embedded'

process.exitCode = await backupMain('restore', process.argv.slice(2))
