/** `<!-- settings of gateway: … -->`, what is generated, `<!-- end -->`. */
const part = /(<!-- settings of ([a-z -]+?): [^>]*-->\n)([\s\S]*?)(<!-- end -->)/g

/**
 * The document with what stands between its markers made anew.
 * @param parts what belongs there, by the name in the marker; each has its place exactly once.
 * @throws Error that names a marker of which nothing is known, and a part that has no place.
 */
export function fillIn(document: string, parts: Readonly<Record<string, string>>): string {
  const left = new Set(Object.keys(parts))
  const filled = document.replaceAll(part, (_, start: string, name: string, _old: string, end: string) => {
    if (!left.delete(name)) throw new Error(`the marker "settings of ${name}" stands twice, or there are no such settings`)
    return `${start}\n${parts[name]}\n\n${end}`
  })
  if (left.size > 0) throw new Error(`no marker asks for the settings of ${[...left].join(', of ')}`)
  return filled
}
