/**
 * A text that can do nothing to a terminal: control characters, and those that turn the direction of writing, come as escapes. What a
 * store holds was written by others.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    char => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
