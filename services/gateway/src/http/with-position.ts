import type { AppEnv } from '@artifact-store/service'
import type { Context } from 'hono'

/** The header that carries a position of the log: of a write in answers, the least to be seen in requests. */
export const positionHeader = 'artifact-position'
export const minPositionHeader = 'artifact-min-position'

/** Says at which position of the log a write is. A repeat that wrote nothing has none. */
export function withPosition(c: Context<AppEnv>, position: number | undefined): void {
  if (position !== undefined) c.header(positionHeader, String(position))
}
