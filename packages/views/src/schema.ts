import { bigint, pgSchema, text, timestamp } from 'drizzle-orm/pg-core'

export const viewsSchema = pgSchema('views')

/** The name of a view's table, and of a view. */
export const registryProjection = 'registry'

export const checkpoints = viewsSchema.table('checkpoints', {
  projection: text('projection').primaryKey(),
  position: bigint('position', { mode: 'number' }).notNull(),
})

/** A count or a size: a whole number up to 2^53 - 1. */
export function whole(name: string) {
  return bigint(name, { mode: 'number' })
}

/** A moment in whole milliseconds. */
export function moment(name: string) {
  return timestamp(name, { withTimezone: true, precision: 3 })
}
