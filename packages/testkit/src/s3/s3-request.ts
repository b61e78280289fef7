/** A request, read whole. */
export interface S3Request {
  readonly method: string
  /** As it stood in the request line. */
  readonly rawPath: string
  /** Empty for the bucket itself. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** An answer that is not sent yet. */
export interface S3Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export function answer(status: number, headers: Readonly<Record<string, string>> = {}, body: Buffer = Buffer.alloc(0)): S3Answer {
  return { status, headers, body }
}

/** An element with its text, or with elements in it; a list makes one element of each. */
export interface XmlElements {
  readonly [name: string]: string | XmlElements | readonly XmlElements[]
}

export function xmlAnswer(status: number, root: string, elements: XmlElements): S3Answer {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, elements)}`
  return answer(status, { 'content-type': 'application/xml' }, Buffer.from(text))
}

function element(name: string, content: XmlElements[string]): string {
  if (Array.isArray(content)) return content.map(one => element(name, one)).join('')
  const inner =
    typeof content === 'string'
      ? content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
      : Object.entries(content)
          .map(([child, value]) => element(child, value))
          .join('')
  return `<${name}>${inner}</${name}>`
}
