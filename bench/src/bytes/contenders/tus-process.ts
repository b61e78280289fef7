import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

// The reference server of tus on a directory, as its documentation shows it. It neither hashes nor flushes.
const [directory = '', port = '0'] = process.argv.slice(2)
new Server({ path: '/files', datastore: new FileStore({ directory }) }).listen({ host: '127.0.0.1', port: Number(port) })
