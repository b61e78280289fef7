import { isArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import { Secret } from './secret.ts'

/**
 * The kinds of setting that services share. Each is a schema over the text of one environment variable, and what it says
 * of a wrong one ends with what to give instead. Wrap with `.default(…)` or `.optional()` where a setting may be missing, and say with
 * `.describe(…)` what it means and in which unit: the table of the settings in docs/OPERATIONS.md is made from that.
 */

/** A TCP port; 0 lets the system choose one. */
export const port = (): z.ZodType<number, string> => integer({ min: 0, max: 65_535, what: 'a port' })

/** An address to listen on. */
export const host = (): z.ZodType<string, string> => text('an address to listen on such as 127.0.0.1 or ::')

export const logLevel = (): z.ZodType<LogLevel, string> => choice(logLevels)
export type LogLevel = (typeof logLevels)[number]
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** Any text of at least one character. */
export function text(hint = 'a text'): z.ZodType<string, string> {
  return z.string(missing(hint)).min(1, `is empty (give ${hint})`).meta({ takes: hint })
}

/** A text that somebody else knows how to read. @param check throws an ArtifactError that says what is wrong with it. */
export function readableText(hint: string, check: (value: string) => unknown): z.ZodType<string, string> {
  return text(hint)
    .superRefine((value, context) => {
      try {
        check(value)
      } catch (error) {
        if (!isArtifactError(error, 'configuration')) throw error
        context.addIssue({ code: 'custom', message: `${error.message} (give ${hint})` })
      }
    })
    .meta({ takes: hint })
}

/** One or several such texts, with commas between; in the order in which they were written. Each that is wrong is told. */
export function readableTexts(hint: string, check: (value: string) => unknown): z.ZodType<readonly string[], string> {
  const each = readableText(hint, check)
  return z
    .string(missing(hint))
    .transform((value, context) => {
      const parts = value.split(',').map(part => part.trim())
      for (const { error } of parts.map(part => each.safeParse(part)))
        for (const { message } of error?.issues ?? []) context.addIssue({ code: 'custom', message })
      return parts
    })
    .meta({ takes: `${hint}; several with commas between` })
}

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(words: T): z.ZodType<T[number], string> {
  const hint = `one of ${words.join(', ')}`
  return z
    .string(missing(hint))
    .transform((value, context): T[number] => words.find(word => word === value) ?? refuse(context, value, 'not known', hint))
    .meta({ takes: hint })
}

/** A whole number; bounds included. */
export function integer(bounds: { min?: number; max?: number; what?: string } = {}): z.ZodType<number, string> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, what = 'a whole number' } = bounds
  const hint = `a whole number from ${min} to ${max}`
  return z
    .string(missing(hint))
    .transform((value, context) => {
      const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN
      return number >= min && number <= max ? number : refuse(context, value, `not ${what}`, hint)
    })
    .meta({ takes: max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : hint })
}

/** A share of a whole, from 0 to 1. */
export function share(): z.ZodType<number, string> {
  const hint = 'a number from 0 to 1, such as 0.1'
  return z
    .string(missing(hint))
    .transform((value, context) => {
      const number = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN
      return number <= 1 ? number : refuse(context, value, 'not a share', hint)
    })
    .meta({ takes: hint })
}

/** `true` or `false`. */
export function flag(): z.ZodType<boolean, string> {
  return choice(['true', 'false'])
    .transform(value => value === 'true')
    .meta({ takes: 'one of true, false' })
}

/** A URL without a secret in it, of one of the protocols (`http:`); given back as it was written. */
export function url(...protocols: readonly string[]): z.ZodType<string, string> {
  const hint = urlHint(protocols)
  return z
    .string(missing(hint))
    .transform((value, context) => (isUrl(value, protocols) ? value : refuse(context, value, 'not such a URL', hint)))
    .meta({ takes: hint })
}

/** One or several URLs without a secret in them, with commas between; in the order in which they were written. */
export function urls(...protocols: readonly string[]): z.ZodType<readonly [string, ...string[]], string> {
  const hint = `${urlHint(protocols)}, or several of them with commas between`
  return z
    .string(missing(hint))
    .transform((value, context): readonly [string, ...string[]] => {
      const [first = '', ...others] = value.split(',').map(part => part.trim())
      const wrong = [first, ...others].find(part => !isUrl(part, protocols))
      return wrong === undefined ? [first, ...others] : refuse(context, wrong, 'not such a URL', hint)
    })
    .meta({ takes: hint })
}

/** A URL that may carry a password: never shown, not even when it is wrong. */
export function secretUrl(...protocols: readonly string[]): z.ZodType<Secret, string> {
  const hint = urlHint(protocols)
  return z
    .string(missing(hint))
    .transform((value, context) =>
      isUrl(value, protocols) ? new Secret(value) : refuse(context, undefined, 'not such a URL', hint),
    )
    .meta({ takes: `${hint}; secret` })
}

/** A password or token: never shown. */
export function secret(options: { minLength?: number } = {}): z.ZodType<Secret, string> {
  const { minLength = 1 } = options
  const hint = `at least ${minLength} characters, or a file with them as …_FILE`
  return z
    .string(missing(hint))
    .transform((value, context) =>
      value.length >= minLength ? new Secret(value) : refuse(context, undefined, 'too short', hint),
    )
    .meta({ takes: `${minLength > 1 ? `at least ${minLength} characters` : 'a text'}; secret` })
}

function urlHint(protocols: readonly string[]): string {
  return protocols.length === 0 ? 'a URL' : `a URL that begins with ${protocols.map(p => `${p}//`).join(' or ')}`
}

function isUrl(value: string, protocols: readonly string[]): boolean {
  const parsed = URL.parse(value)
  return parsed !== null && (protocols.length === 0 || protocols.includes(parsed.protocol))
}

function missing(hint: string): { error: string } {
  return { error: `is missing (give ${hint})` }
}

function refuse(context: z.RefinementCtx, value: string | undefined, wrong: string, hint: string): never {
  const shown = value === undefined ? 'what is given' : `"${value.slice(0, 100)}"`
  context.addIssue({ code: 'custom', message: `${shown} is ${wrong} (give ${hint})` })
  return z.NEVER
}
