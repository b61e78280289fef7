import { createTestDatabase, type TestDatabase } from '@artifact-store/testkit'
import { artifactPackages, packageFiles } from '@artifact-store/views'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { arrayParameter } from '../src/array-parameter.ts'
import type { PgColumn } from '../src/drizzle.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
})
afterAll(() => database[Symbol.asyncDispose]())

/** What the database takes the values for. */
async function asTexts(column: PgColumn, parameter: unknown): Promise<(string | null)[]> {
  const { rows } = await database.pool.query<{ text: string | null }>(
    `select v::text as text from unnest($1::${column.getSQLType()}[]) as v`,
    [parameter],
  )
  return rows.map(({ text }) => text)
}

const asTextArray = (column: PgColumn, values: readonly unknown[]) =>
  values.map(value => (value === null || value === undefined ? null : column.mapToDriverValue(value)))

const moments = ['0001-01-01T00:00:00.000Z', '1969-12-31T23:59:59.999Z', '2000-01-01T00:00:00.000Z', '2026-02-28T12:34:56.789Z']

describe.each<[string, PgColumn, readonly unknown[]]>([
  ['texts', packageFiles.path, ['a', '', 'naïve €', '\u{1f600}\uffee', '{"a",NULL}', 'NULL', '\\', 'x'.repeat(5000)]],
  ['numbers', packageFiles.size, [0, 1, -1, 2 ** 31, 2 ** 32, 2 ** 32 - 1, 2 ** 53 - 1, -(2 ** 53 - 1), -(2 ** 32)]],
  ['moments', artifactPackages.createdAt, [...moments, '9999-12-31T23:59:59.999Z'].map(text => new Date(text))],
  ['ids', packageFiles.packageId, ['0198c0de-0000-7000-8000-00000000abcd', 'ffffffff-ffff-ffff-ffff-ffffffffffff']],
  ['documents', artifactPackages.labels, [{}, [], { a: 'ä"\\', b: { c: [1, null, true] } }, 'text', 1.5, 10 ** 20]],
])('%s', (_, column, values) => {
  it('are binary, and to the database what their texts are', async () => {
    const parameter = arrayParameter(column, values)
    expect(parameter).toBeInstanceOf(Buffer)
    expect(await asTexts(column, parameter)).toEqual(await asTexts(column, asTextArray(column, values)))
  })

  it('may be missing', async () => {
    const some = [null, values[0], undefined, values[1]]
    const parameter = arrayParameter(column, some)
    expect(parameter).toBeInstanceOf(Buffer)
    expect(await asTexts(column, parameter)).toEqual(await asTexts(column, asTextArray(column, some)))
    expect(await asTexts(column, arrayParameter(column, [null]))).toEqual([null])
  })
})

describe('what a column does not hold', () => {
  it.each<[string, PgColumn, unknown, string]>([
    ['a text that is no number', packageFiles.size, 'many', '22P02'],
    ['a fraction', packageFiles.size, 1.5, '22P02'],
    ['a text that is no id', packageFiles.packageId, 'no package id', '22P02'],
    ['a text with U+0000', packageFiles.path, 'a\u0000', '22021'],
    ['a moment in the year 0', artifactPackages.createdAt, new Date('0000-01-01T00:00:00.000Z'), '22008'],
  ])('is left to the database, which says what is wrong: %s', async (_, column, value, code) => {
    await expect(asTexts(column, arrayParameter(column, [value]))).rejects.toMatchObject({ code })
  })

  it('is taken as its text where the database can, as ids in other spellings and numbers for texts', async () => {
    expect(
      await asTexts(packageFiles.packageId, arrayParameter(packageFiles.packageId, ['0198C0DE00007000800000000000ABCD'])),
    ).toEqual(['0198c0de-0000-7000-8000-00000000abcd'])
    expect(await asTexts(packageFiles.path, arrayParameter(packageFiles.path, ['a', 7]))).toEqual(['a', '7'])
  })

  it('is an error of the value itself where it has no text', () => {
    expect(() => arrayParameter(artifactPackages.createdAt, [new Date(Number.NaN)])).toThrow(RangeError)
  })
})
