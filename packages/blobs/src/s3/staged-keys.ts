import { randomBytes } from 'node:crypto'
import { stagingName } from '../staging-name.ts'

/** A key that something in progress has to itself; disposing says that it is over, whether or not anything is left there. */
export interface StagedKey extends Disposable {
  readonly key: string
}

/** The keys at which one store works, so that it knows what of its own is left over. */
export class StagedKeys {
  /** Whose they are, as `stagingOwner()` has it. */
  readonly owner: string
  readonly #maker = randomBytes(4).toString('hex')
  readonly #inUse = new Set<string>()

  constructor(owner: string) {
    this.owner = owner
  }

  take(place: string): StagedKey {
    const name = stagingName(this.owner, this.#maker)
    this.#inUse.add(name)
    return { key: place + name, [Symbol.dispose]: () => void this.#inUse.delete(name) }
  }

  /** Whether this store made the name and is through with it. */
  isGivenUp(name: string): boolean {
    return name.startsWith(`${this.owner}.${process.pid}.${this.#maker}`) && !this.#inUse.has(name)
  }
}
