import { readdirSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { openApiDocument } from '../src/openapi.ts'
import { routes } from '../src/routes/index.ts'

const document = openApiDocument(routes, '0.0.0') as {
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>
}

describe('the OpenAPI document', () => {
  it('is one, by the schema of OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document))
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBe(true)
  })

  it('has every route file of the folder', () => {
    const files = readdirSync(new URL('../src/routes/', import.meta.url)).filter(file =>
      /^(add|append|create|describe|discard|end|examine|finalize|find|get|issue|list|migrate|put|remove|revoke)-/.test(file),
    )
    expect(routes).toHaveLength(files.length)
    const ids = routes.map(route => `${route.id.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}.ts`)
    expect(ids.sort()).toEqual(files.sort())
  })

  it('names each operation once and its refusals as problem documents', () => {
    const operations = Object.values(document.paths).flatMap(item => Object.values(item))
    expect(new Set(operations.map(operation => operation.operationId)).size).toBe(operations.length)
    for (const route of routes) {
      const responses = document.paths[route.path]?.[route.method]?.responses ?? {}
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '401', '403', '500']))
    }
  })
})
