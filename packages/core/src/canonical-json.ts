import { ArtifactError } from './errors.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** How many arrays and objects may stand inside each other, here and in `parseStrictJson`. */
export const maxJsonDepth = 128

/**
 * The one text of a JSON value by RFC 8785 (JSON Canonicalization Scheme): no white space, keys in the order of their UTF-16 code
 * units, numbers as ECMAScript writes them, -0 as 0. Equal values give equal bytes.
 *
 * A property that is `undefined` counts as absent, because optional properties may carry it; everything else that JSON cannot say
 * exactly is refused: NaN and infinities, bigint, functions, symbols, `undefined` in an array, lone surrogates, and objects that are
 * not plain (Date, Map, class instances; `toJSON` is never called).
 * @throws ArtifactError `invalid-json` naming the place as a JSON Pointer (RFC 6901).
 */
export function canonicalJson(value: unknown): string {
  try {
    return write(value, maxJsonDepth)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const place = error.place
    throw new ArtifactError(
      'invalid-json',
      `this value has no canonical JSON: ${place === '' ? '' : `at ${place} `}${error.reason}`,
      {
        details: { place, reason: error.reason },
      },
    )
  }
}

function write(value: unknown, depthLeft: number): string {
  switch (typeof value) {
    case 'string':
      return writeString(value)
    case 'number':
      if (!Number.isFinite(value)) throw new Refusal(`stands ${value}, which JSON cannot say`)
      // `String` is ECMAScript's Number::toString, which RFC 8785 section 3.2.2.3 prescribes; it writes -0 as 0.
      return String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depthLeft === 0) throw new Refusal(`it is nested more than ${maxJsonDepth} deep, or contains itself`)
      return Array.isArray(value) ? writeArray(value, depthLeft - 1) : writeObject(value, depthLeft - 1)
    default:
      throw new Refusal(`stands a value of type ${typeof value}, which JSON cannot say`)
  }
}

function writeString(text: string): string {
  if (plainText.test(text)) return `"${text}"`
  if (!text.isWellFormed()) throw new Refusal('stands a text with a lone surrogate')
  return JSON.stringify(text)
}

/** Printable ASCII without `"` and `\\`: most texts, which JSON writes as they are. */
const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function writeArray(items: readonly unknown[], depthLeft: number): string {
  let index = 0
  try {
    let text = '['
    for (; index < items.length; index++)
      text += index === 0 ? write(items[index], depthLeft) : `,${write(items[index], depthLeft)}`
    return `${text}]`
  } catch (error) {
    throw error instanceof Refusal ? error.within(index) : error
  }
}

function writeObject(value: object, depthLeft: number): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    const name = Object.prototype.toString.call(value).slice(8, -1)
    throw new Refusal(`stands an object that is not plain (${name}), which JSON cannot say`)
  }
  // biome-ignore lint/suspicious/useArraySortCompare: without a comparator it orders by UTF-16 code units, which is RFC 8785 section 3.2.3.
  const keys = Object.keys(value).sort()
  const members = value as Readonly<Record<string, unknown>>
  let at = ''
  try {
    let text = ''
    for (const key of keys) {
      at = key
      const member = members[key]
      if (member === undefined) continue
      text += `${text === '' ? '' : ','}${writeString(key)}:${typeof member === 'string' ? writeString(member) : write(member, depthLeft)}`
    }
    return `{${text}}`
  } catch (error) {
    throw error instanceof Refusal ? error.within(at) : error
  }
}

/** Collects the place on its way up, so that values which are in order pay nothing for it. */
class Refusal extends Error {
  readonly reason: string
  place = ''

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }

  within(key: string | number): this {
    this.place = `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1').toWellFormed()}${this.place}`
    return this
  }
}
