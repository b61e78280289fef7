import { type Digest, digestFromBytes } from '@artifact-store/core/digest'
import { ArtifactError } from '@artifact-store/core/errors'
import { createBLAKE3, type IHasher } from 'hash-wasm'
import { stateAt, valueSince } from './kernel-state.ts'
import { ValueList } from './value-list.ts'

/** Bytes of a block: a subtree of BLAKE3's tree, 1,024 chunks of 1 KiB. Also what a backend reads at once. */
export const blockSize = 1024 * 1024
const chunksPerBlock = 1024
/** How many blocks are gathered to be proven at once, however many read. */
export const provenAtOnce = 8

/** BLAKE3 that also tells the chaining value of every block, which costs next to nothing beside the hashing. */
export interface TreeHasher {
  update(chunk: Uint8Array): void
  /** The digest of all; ends the hasher. */
  digest(): Digest
  /** The chaining values of the blocks, 8 words each, in order; complete once `digest()` was asked for. */
  readonly values: () => Uint32Array
}

export async function createTreeHasher(): Promise<TreeHasher> {
  let kernel: IHasher | undefined = await lend()
  kernel.init()
  const values = new ValueList()
  let inBlock = 0
  const closeBlock = (instance: IHasher) => {
    values.push(valueSince(instance.save(), values.length * chunksPerBlock))
    inBlock = 0
  }
  return {
    update(chunk) {
      if (kernel === undefined) throw spent()
      for (let rest = chunk; rest.length > 0; ) {
        const piece = rest.subarray(0, blockSize - inBlock)
        kernel.update(piece)
        inBlock += piece.length
        rest = rest.subarray(piece.length)
        if (inBlock === blockSize) closeBlock(kernel)
      }
    },
    digest() {
      if (kernel === undefined) throw spent()
      if (inBlock > 0) closeBlock(kernel)
      const digest = digestFromBytes(kernel.digest('binary'))
      giveBack(kernel)
      kernel = undefined
      return digest
    },
    values: () => values.words(),
  }
}

/** Hashes blocks one by one, wherever they stand in their blob. To be closed, so that its kernel serves others. */
export interface BlockHasher extends Disposable {
  /** Begins the block with that number. */
  begin(index: number): void
  update(piece: Uint8Array): void
  /** The chaining value of the block, 8 words. */
  value(): Uint32Array
}

export async function createBlockHasher(): Promise<BlockHasher> {
  const kernel = await lend()
  const fresh = kernel.init().save()
  let firstChunk = 0
  return {
    begin(index) {
      firstChunk = index * chunksPerBlock
      kernel.load(stateAt(fresh, firstChunk))
    },
    update(piece) {
      kernel.update(piece)
    },
    value: () => valueSince(kernel.save(), firstChunk),
    [Symbol.dispose]: () => giveBack(kernel),
  }
}

// WebAssembly instances between two streams. Making one takes 75 to 100 µs, reusing one 4 µs, which at a thousand small files
// a second is a tenth of a core; each live one also reserves gigabytes of address space and takes a quarter of a megabyte. They hold no state that
// outlives `init`.
const idle: IHasher[] = []

async function lend(): Promise<IHasher> {
  return idle.pop() ?? (await createBLAKE3())
}

function giveBack(kernel: IHasher): void {
  if (idle.length < provenAtOnce) idle.push(kernel)
}

/** What any hasher says to those who go on with it. */
export function spent(): ArtifactError {
  return new ArtifactError('internal', 'a hasher was used after its digest was taken; make a new one for each stream')
}
