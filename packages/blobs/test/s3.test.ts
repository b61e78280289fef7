import type { Misdeed } from '@artifact-store/testkit'
import { describeBlobStore } from '../src/conformance.ts'
import { startS3UnderTest } from './s3-under-test.ts'

const honest = await startS3UnderTest()
describeBlobStore('the store on an S3 server that does all it should', honest.open, { residue: honest.residue })

/** Serves wrong ranges, ignores conditions and checksums, does not copy and lists late; and now and then fails in every way. */
const misbehaving = await startS3UnderTest({
  quirks: { rangesFromTheStart: true, ignoresConditions: true, ignoresChecksums: true, refusesCopies: true, listsLateByMs: 500 },
})
const misdeeds: readonly Misdeed[] = [
  { kind: 'refuse', status: 500 },
  { kind: 'refuse', status: 503 },
  { kind: 'hang-up' },
  { kind: 'lose-answer' },
  { kind: 'cut', after: 50_000 },
  { kind: 'truncate', to: 40_000 },
  { kind: 'flip-received' },
  { kind: 'cut', after: 0 },
  { kind: 'stall', after: 30_000 },
]
let asked = 0
misbehaving.server.misbehave(() => {
  asked += 1
  return asked % 31 === 0 ? misdeeds[(asked / 31) % misdeeds.length] : undefined
})
describeBlobStore('the store on an S3 server that misbehaves', () => misbehaving.open({ idleTimeoutMs: 500 }), {
  residue: misbehaving.residue,
})
