/**
 * `attachment` with the last segment of the path as file name (RFC 6266): as it is where every client reads it alike, otherwise in a plain form
 * and, for those who know it, in UTF-8 (RFC 8187).
 */
export function attachment(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  // A percent sign is kept out as well: some clients decode it in the plain form.
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/gu, '_')
  if (plain === name) return `attachment; filename="${plain}"`
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
