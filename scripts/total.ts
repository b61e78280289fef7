import { endParts } from './test-part.ts'

/** Tells what the parts that are named had together, such as `test test:s3`: each left its count when it ended. */
endParts(process.argv.slice(2))
