import { randomBytes } from 'node:crypto'
import { blake3 } from '@artifact-store/core'
import type { Append, Condition } from '@artifact-store/log'

/** An append with a bit of everything that may travel. */
export function randomAppend(): Append {
  const event = () => {
    const payloadJson = JSON.stringify({ text: randomText(200) })
    return {
      eventType: pick(['v1.package.touched', 'v12.a-b.c-d']),
      subjectKind: randomText(50),
      subjectId: randomText(300),
      actor: randomText(200),
      payloadJson,
      payloadDigest: blake3(payloadJson),
    }
  }
  return {
    key: randomText(200),
    conditions: Array.from({ length: below(4) }, randomCondition),
    events: [event(), ...Array.from({ length: below(4) }, event)],
  }
}

function randomCondition(): Condition {
  const subject = { kind: randomText(50), id: randomText(300) }
  return below(2) === 0 ? { subject, unsealed: true } : { subject, revision: below(10) }
}

/** 1 to `longest` UTF-16 code units, half surrogates among them now and then. */
function randomText(longest: number): string {
  const length = 1 + below(Math.min(longest, 12))
  const characters = ['a', 'Z', '0', ' ', '"', '\\', '/', '\n', '\u0000', 'é', '漢', '\u2028', '\ud83d\ude00', '\ud83d']
  let text = ''
  while (text.length < length) text += pick(characters)
  return text.slice(0, longest)
}

function pick<T>(choices: readonly T[]): T {
  const choice = choices[below(choices.length)]
  if (choice === undefined) throw new Error('nothing to choose from')
  return choice
}

export function below(limit: number): number {
  return randomBytes(4).readUInt32BE() % limit
}
