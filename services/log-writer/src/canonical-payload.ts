import { canonicalJson, isJsonArray, type JsonObject, type JsonValue, maxJsonDepth, parseStrictJson } from '@artifact-store/core'

/**
 * The object that the text says, if the text is its canonical form (RFC 8785).
 * @returns undefined for another value, or another form.
 * @throws ArtifactError `invalid-json` for what is no I-JSON (RFC 7493) at all.
 */
export function readCanonicalObject(text: string): JsonObject | undefined {
  return readAsWritten(text) ?? readStrictly(text)
}

function readStrictly(text: string): JsonObject | undefined {
  const value = parseStrictJson(text)
  return isObject(value) && canonicalJson(value) === text ? value : undefined
}

/**
 * The same in a fraction of the time, for nearly everything that comes: undefined means only that it takes a closer look.
 *
 * A text that the engine reads and writes back as it was has no key twice, no white space, and its numbers and strings as RFC 8785, which
 * took them from ECMAScript, has them. What is left to see is the order of keys, the depth, and half surrogates, which the engine
 * writes as `\udXXX`.
 */
function readAsWritten(text: string): JsonObject | undefined {
  try {
    const value: JsonValue = JSON.parse(text)
    return isObject(value) && JSON.stringify(value) === text && !text.includes('\\ud') && isOrdered(value, maxJsonDepth)
      ? value
      : undefined
  } catch {
    return undefined
  }
}

/** Whether the keys of all objects come in the order of their UTF-16 code units, and nothing is nested deeper than that. */
function isOrdered(value: JsonValue, depthLeft: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depthLeft === 0) return false
  if (isJsonArray(value)) return value.every(item => isOrdered(item, depthLeft - 1))
  let previous: string | undefined
  for (const key of Object.keys(value)) {
    if (previous !== undefined && previous >= key) return false
    previous = key
    const member = value[key]
    if (member !== undefined && !isOrdered(member, depthLeft - 1)) return false
  }
  return true
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !isJsonArray(value)
}
