import { inspect } from 'node:util'

const redacted = '[redacted]'

/** A text that must not be seen. However it is printed, logged or put in JSON it says `[redacted]`; only `reveal()` tells. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return redacted
  }

  toJSON(): string {
    return redacted
  }

  [inspect.custom](): string {
    return redacted
  }
}
