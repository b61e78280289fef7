import { type JsonObject, type JsonValue, maxJsonDepth } from './canonical-json.ts'
import { ArtifactError } from './errors.ts'

export interface StrictJsonLimits {
  /** How many arrays and objects may stand inside each other; 128 unless told. */
  readonly maxDepth?: number | undefined
}

/**
 * Reads JSON as I-JSON (RFC 7493) wants it, so that what two parsers would read differently is never accepted: besides what RFC 8259
 * forbids it refuses duplicate keys (compared after their escapes are resolved), lone surrogates, invalid UTF-8, a byte order mark,
 * numbers too large for a double, and nesting deeper than `maxDepth`. `__proto__` is a key like any other.
 * @throws ArtifactError `invalid-json` with `details: { offset, line, column, reason }`: `offset` in UTF-16 units from 0, line and column from 1.
 */
export function parseStrictJson(input: string | Uint8Array, limits: StrictJsonLimits = {}): JsonValue {
  const reader = new Reader(typeof input === 'string' ? input : decode(input), limits.maxDepth ?? maxJsonDepth)
  return reader.document()
}

/** The same for where only an object makes sense.
 * @throws ArtifactError `invalid-json` as `parseStrictJson` does, or when the value is not an object. */
export function parseStrictJsonObject(input: string | Uint8Array, limits: StrictJsonLimits = {}): JsonObject {
  const value = parseStrictJson(input, limits)
  if (value === null || typeof value !== 'object' || isJsonArray(value)) {
    throw new ArtifactError('invalid-json', 'the JSON text holds something other than an object; an object is needed here')
  }
  return value
}

export function isJsonArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function decode(bytes: Uint8Array): string {
  try {
    // With `ignoreBOM` the mark stays in the text, where the reader refuses it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new ArtifactError('invalid-json', 'the JSON text is not valid UTF-8; encode it as UTF-8', {
      cause,
      details: { reason: 'not UTF-8' },
    })
  }
}

const whiteSpace = /[ \t\n\r]*/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// Up to the closing quote, an escape or a character that has no place in a string.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the control characters are what RFC 8259 forbids in strings.
const plainCharacters = /[^"\\\u0000-\u001f]*/y
const escapeSequence = /\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))/y
const shortEscapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** Recursive descent over one text. */
class Reader {
  readonly #text: string
  readonly #maxDepth: number
  #at = 0

  constructor(text: string, maxDepth: number) {
    this.#text = text
    this.#maxDepth = maxDepth
  }

  document(): JsonValue {
    this.#match(whiteSpace)
    const value = this.#value(this.#maxDepth)
    this.#match(whiteSpace)
    if (this.#at < this.#text.length) throw this.#refuse('something follows the end of the value')
    return value
  }

  #value(depthLeft: number): JsonValue {
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depthLeft)
      case '[':
        return this.#array(depthLeft)
      case '"':
        return this.#string()
      case 't':
        return this.#literal('true', true)
      case 'f':
        return this.#literal('false', false)
      case 'n':
        return this.#literal('null', null)
      default:
        return this.#number()
    }
  }

  #object(depthLeft: number): JsonObject {
    this.#descend(depthLeft)
    const members: Record<string, JsonValue> = {}
    if (this.#take('}')) return members
    do {
      this.#match(whiteSpace)
      const start = this.#at
      if (this.#text[start] !== '"') throw this.#refuse('a key in double quotes is missing')
      const key = this.#string()
      if (Object.hasOwn(members, key))
        throw this.#refuse(`the key ${JSON.stringify(key.slice(0, 100))} stands twice in one object`, start)
      this.#match(whiteSpace)
      if (!this.#take(':')) throw this.#refuse('a ":" is missing after the key')
      this.#match(whiteSpace)
      set(members, key, this.#value(depthLeft - 1))
      this.#match(whiteSpace)
    } while (this.#take(','))
    if (!this.#take('}')) throw this.#refuse('a "," or "}" is missing')
    return members
  }

  #array(depthLeft: number): readonly JsonValue[] {
    this.#descend(depthLeft)
    const items: JsonValue[] = []
    if (this.#take(']')) return items
    do {
      this.#match(whiteSpace)
      items.push(this.#value(depthLeft - 1))
      this.#match(whiteSpace)
    } while (this.#take(','))
    if (!this.#take(']')) throw this.#refuse('a "," or "]" is missing')
    return items
  }

  #descend(depthLeft: number): void {
    if (depthLeft === 0) throw this.#refuse(`the nesting is deeper than ${this.#maxDepth}`)
    this.#at += 1
    this.#match(whiteSpace)
  }

  #string(): string {
    const start = this.#at
    this.#at += 1
    let value = this.#match(plainCharacters)
    while (this.#text[this.#at] === '\\') value += this.#escape() + this.#match(plainCharacters)
    if (this.#at >= this.#text.length) throw this.#refuse('a string is not closed', start)
    if (!this.#take('"')) throw this.#refuse('a control character stands unescaped in a string')
    if (!value.isWellFormed()) throw this.#refuse('a string holds a lone surrogate', start)
    return value
  }

  #escape(): string {
    escapeSequence.lastIndex = this.#at
    const found = escapeSequence.exec(this.#text)
    if (!found) throw this.#refuse('an escape in a string is not one that JSON knows')
    this.#at = escapeSequence.lastIndex
    const [, short, hex] = found
    return short === undefined ? String.fromCharCode(Number.parseInt(hex ?? '', 16)) : (shortEscapes[short] ?? short)
  }

  #literal<Value extends JsonValue>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) throw this.#refuse('this is not a JSON value')
    this.#at += word.length
    return value
  }

  #number(): number {
    const start = this.#at
    const text = this.#match(number)
    if (text === '')
      throw this.#refuse(start >= this.#text.length ? 'the text ends where a value is missing' : 'this is not a JSON value')
    const value = Number(text)
    if (!Number.isFinite(value)) throw this.#refuse('a number is too large for a double', start)
    return value
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #refuse(reason: string, offset: number = this.#at): ArtifactError {
    const before = this.#text.slice(0, offset)
    const line = before.split('\n').length
    const column = offset - before.lastIndexOf('\n')
    return new ArtifactError('invalid-json', `the JSON text is wrong at line ${line}, column ${column}: ${reason}`, {
      details: { offset, line, column, reason },
    })
  }
}

function set(members: Record<string, JsonValue>, key: string, value: JsonValue): void {
  // An assignment to `__proto__` would change the prototype and lose the key.
  if (key === '__proto__') Object.defineProperty(members, key, { value, writable: true, enumerable: true, configurable: true })
  else members[key] = value
}
