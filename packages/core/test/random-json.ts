/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const characters = [
  'a',
  'B',
  '1',
  '"',
  '\\',
  '/',
  '\n',
  '\u0000',
  '\u0080',
  'é',
  '€',
  '\ufb33',
  '\u{1f600}',
  '\u{10ffff}',
  ' ',
  '_',
]

/** Any JSON value, at most four levels deep. -0 is left out: it reads back as 0. */
export function randomJson(random: () => number, depth = 4): unknown {
  const length = Math.floor(random() * 5)
  switch (Math.floor(random() * (depth === 0 ? 4 : 6))) {
    case 0:
      return random() < 0.5 ? null : random() < 0.5
    case 1:
      return Math.floor((random() - 0.5) * 10 ** Math.floor(random() * 18)) + 0
    case 2: {
      const bits = Buffer.alloc(8)
      for (let i = 0; i < 8; i++) bits[i] = Math.floor(random() * 256)
      const number = bits.readDoubleBE()
      return Number.isFinite(number) && number !== 0 ? number : 0.1
    }
    case 3:
      return randomText(random, length * 2)
    case 4:
      return Array.from({ length }, () => randomJson(random, depth - 1))
    default:
      return Object.fromEntries(Array.from({ length }, () => [randomText(random, 3), randomJson(random, depth - 1)]))
  }
}

function randomText(random: () => number, length: number): string {
  return Array.from({ length }, () => characters[Math.floor(random() * characters.length)] ?? '').join('')
}
