import { createRequire } from 'node:module'
import type * as orm from 'drizzle-orm'
import type * as nodePostgres from 'drizzle-orm/node-postgres'
import type * as pgCore from 'drizzle-orm/pg-core'

export type { Placeholder, SQL } from 'drizzle-orm'
export type { NodePgDatabase } from 'drizzle-orm/node-postgres'
export type { PgColumn, PgTable } from 'drizzle-orm/pg-core'

// As CommonJS: Node looks into the package's own description for every ES module of it, which is 180 kB here, a hundred times over. That was more than half
// of the start of each service.
const require = createRequire(import.meta.url)

export const { and, asc, desc, eq, getTableColumns, gt, lt, or, sql }: typeof orm = require('drizzle-orm')
export const { bigint, customType, getTableConfig, jsonb, pgSchema, primaryKey, text, uuid }: typeof pgCore =
  require('drizzle-orm/pg-core')
export const { drizzle }: typeof nodePostgres = require('drizzle-orm/node-postgres')
