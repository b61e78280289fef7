import { describeBlobStore } from '../src/conformance.ts'
import { openMemoryBlobStore } from '../src/index.ts'

describeBlobStore('the store in memory', openMemoryBlobStore)
