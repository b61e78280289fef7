import { isDeepStrictEqual } from 'node:util'

/** A JSON Schema as zod writes it, as far as it is looked at here. */
interface JsonSchema {
  readonly type?: string | undefined
  readonly properties?: Readonly<Record<string, unknown>> | undefined
  readonly required?: readonly string[] | undefined
  readonly additionalProperties?: unknown
  readonly items?: unknown
  readonly anyOf?: readonly unknown[] | undefined
  readonly oneOf?: readonly unknown[] | undefined
  readonly enum?: readonly unknown[] | undefined
  readonly const?: unknown
  readonly pattern?: string | undefined
  readonly minLength?: number | undefined
  readonly maxLength?: number | undefined
  readonly minItems?: number | undefined
  readonly maxItems?: number | undefined
  readonly minimum?: number | undefined
  readonly maximum?: number | undefined
}

/**
 * What a schema allows and none of the values shows: an optional property that is always there or never, a variant, a value of an enumeration,
 * the shortest and the longest of a text or a list, the smallest and the largest number.
 */
export function missingIn(schema: unknown, values: readonly unknown[], place = ''): string[] {
  if (values.length === 0) return [`${JSON.stringify(place)} never occurs`]
  const { type, properties, required = [], additionalProperties, items, anyOf, oneOf } = schema as JsonSchema
  const variants = anyOf ?? oneOf
  const missing = [...missingLimits(schema as JsonSchema, values, place)]
  if (variants) {
    for (const [i, variant] of variants.entries()) {
      const own = values.filter(value => fits(variant as JsonSchema, value))
      missing.push(...(own.length === 0 ? [`${place} is never its variant ${i}`] : missingIn(variant, own, place)))
    }
  }
  if (properties) {
    const objects = values as readonly Readonly<Record<string, unknown>>[]
    for (const [name, property] of Object.entries(properties)) {
      const there = objects.filter(object => Object.hasOwn(object, name)).map(object => object[name])
      const at = `${place}/${name}`
      if (there.length === 0) missing.push(`${at} is always left out`)
      else missing.push(...missingIn(property, there, at))
      if (!required.includes(name) && there.length === objects.length) missing.push(`${at} is never left out`)
    }
  } else if (type === 'object' && typeof additionalProperties === 'object') {
    missing.push(
      ...missingIn(
        additionalProperties,
        values.flatMap(value => Object.values(value as object)),
        `${place}/*`,
      ),
    )
  }
  if (type === 'array' && items) missing.push(...missingIn(items, values.flat(1), `${place}/*`))
  return missing
}

function* missingLimits(schema: JsonSchema, values: readonly unknown[], place: string): Generator<string> {
  const { enum: choices = [], minLength, maxLength, minItems, maxItems, minimum, maximum } = schema
  for (const choice of choices) if (!values.includes(choice)) yield `${place} is never ${JSON.stringify(choice)}`
  const lengths = new Set(values.map(value => (value as { length?: number } | null)?.length))
  for (const limit of [minLength, maxLength, minItems, maxItems])
    if (limit !== undefined && !lengths.has(limit)) yield `${place} is never as long as ${limit}`
  for (const limit of [minimum, maximum]) if (limit !== undefined && !values.includes(limit)) yield `${place} is never ${limit}`
}

/** Whether it is this variant, by what tells the variants of our schemas apart. */
function fits(schema: JsonSchema, value: unknown): boolean {
  if (schema.const !== undefined) return isDeepStrictEqual(schema.const, value)
  if (schema.pattern !== undefined) return typeof value === 'string' && new RegExp(schema.pattern, 'u').test(value)
  switch (schema.type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value) && fitsConstants(schema, value)
    case 'array':
      return Array.isArray(value)
    case 'null':
      return value === null
    case 'integer':
      return Number.isInteger(value)
    default:
      return schema.type === undefined || typeof value === schema.type
  }
}

function fitsConstants({ properties = {} }: JsonSchema, value: object): boolean {
  const members = value as Readonly<Record<string, unknown>>
  return Object.entries(properties).every(([name, property]) => {
    const fixed = (property as JsonSchema).const
    return fixed === undefined || isDeepStrictEqual(fixed, members[name])
  })
}
