import type { AppEnv } from '@artifact-store/service'
import type { Context } from 'hono'
import { setHeader } from './set-header.ts'

/** Says in `Link` (RFC 8288) where the next page is, relative to this server so that it is right behind any proxy. */
export function nextLink(c: Context<AppEnv>, cursor: string | undefined): void {
  if (cursor === undefined) return
  const url = new URL(c.req.url)
  url.searchParams.set('cursor', cursor)
  setHeader(c, 'link', `<${url.pathname}${url.search}>; rel="next"`)
}
