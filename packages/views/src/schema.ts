import { types } from 'pg'
import { bigint, customType, pgSchema, text } from './drizzle.ts'

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
export const moment = customType<{ data: Date; driverData: string }>({
  dataType: () => 'timestamp(3) with time zone',
  toDriver: date => date.toISOString(),
  // drizzle asks for the text; its own column type leaves that to `new Date`, which takes the year 0030 for 2030.
  fromDriver: (value: string | Date) => (value instanceof Date ? value : parseMoment(value)),
})

const parseMoment: (text: string) => Date = types.getTypeParser(types.builtins.TIMESTAMPTZ)
