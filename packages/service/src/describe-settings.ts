import { z } from 'zod'

/** What a person who sets it has to know of one environment variable. */
export interface SettingDescription {
  readonly name: string
  /** What it is when it is not given, as one would write it; undefined where there is nothing then. */
  readonly fallback: string | undefined
  readonly isRequired: boolean
  /** What may be given. */
  readonly takes: string
  readonly meaning: string
}

/**
 * Describes the settings of a configuration schema, in their order: the words are those of `.describe(…)`, the rest is read from what parses them.
 * @throws Error that names a setting of which nothing is said, as the table of the settings would have a hole there.
 */
export function describeSettings(schema: z.ZodObject): SettingDescription[] {
  return Object.entries(schema.shape).map(([name, setting]) => {
    const { innermost, fallback, isRequired } = unwrap(setting)
    const takes = innermost.meta()?.['takes']
    if (!(setting instanceof z.ZodType) || setting.description === undefined || typeof takes !== 'string') {
      throw new Error(
        `nothing is said of the setting ${name}: put .describe('…') behind it, and a kind of setting.ts before that`,
      )
    }
    return { name, fallback, isRequired, takes, meaning: setting.description }
  })
}

function unwrap(setting: z.core.$ZodType): { innermost: z.ZodType; fallback: string | undefined; isRequired: boolean } {
  if (setting instanceof z.ZodDefault)
    return { ...unwrap(setting.unwrap()), fallback: String(setting.def.defaultValue), isRequired: false }
  if (setting instanceof z.ZodOptional) return { ...unwrap(setting.unwrap()), isRequired: false }
  if (!(setting instanceof z.ZodType)) throw new Error('a setting is not one of zod’s own types')
  return { innermost: setting, fallback: undefined, isRequired: true }
}
