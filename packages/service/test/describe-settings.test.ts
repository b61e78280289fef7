import { expect, it } from 'vitest'
import { z } from 'zod'
import { describeSettings } from '../src/describe-settings.ts'
import { choice, contradiction, integer, loadConfig, secret } from '../src/index.ts'

it('tells of each setting what parses it knows: its default, whether it must be given, what it takes, and what it means', () => {
  const schema = z.object({
    TOKEN: secret({ minLength: 16 }).describe('what opens it'),
    LIMIT: integer({ min: 1, max: 9 }).default(3).describe('how many at once'),
    MODE: choice(['fast', 'safe']).optional().describe('which way'),
  })
  expect(describeSettings(schema)).toEqual([
    { name: 'TOKEN', fallback: undefined, isRequired: true, takes: 'at least 16 characters; secret', meaning: 'what opens it' },
    { name: 'LIMIT', fallback: '3', isRequired: false, takes: 'a whole number from 1 to 9', meaning: 'how many at once' },
    { name: 'MODE', fallback: undefined, isRequired: false, takes: 'one of fast, safe', meaning: 'which way' },
  ])
})

it('insists that something is said of each', () => {
  expect(() => describeSettings(z.object({ LIMIT: integer() }))).toThrow('nothing is said of the setting LIMIT')
  expect(() => describeSettings(z.object({ LIMIT: z.string().describe('how many') }))).toThrow(
    'nothing is said of the setting LIMIT',
  )
})

it('tells of a contradiction beside other mistakes, and not where one side of it is wrong by itself', () => {
  const schema = z
    .object({ LEAST: integer(), MOST: integer(), NAME: secret() })
    .check(contradiction(['LEAST', 'MOST'], ({ LEAST, MOST }) => LEAST > MOST, 'is more than MOST (give less)'))
  const mistakes = (environment: Record<string, string>) => {
    try {
      return loadConfig(schema, environment)
    } catch (error) {
      return String(error)
    }
  }
  expect(mistakes({ LEAST: '2', MOST: '1' })).toMatch(/NAME: is missing.*\nLEAST: is more than MOST \(give less\)$/)
  expect(mistakes({ LEAST: '2', MOST: 'x', NAME: 'n' })).not.toContain('is more than')
  expect(mistakes({ LEAST: '1', MOST: '1', NAME: 'n' })).toMatchObject({ LEAST: 1, MOST: 1 })
})
