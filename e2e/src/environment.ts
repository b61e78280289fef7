import { randomInt } from 'node:crypto'

/** What the programs that a test starts see of our own environment: where things are, and nothing that would set them. */
export function plainEnvironment(): Record<string, string> {
  const passed = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NODE_COMPILE_CACHE']
  // biome-ignore lint/style/noProcessEnv: a program that is started needs to find others
  return Object.fromEntries(passed.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
}

/** The seed of all that is random in a run: that of `E2E_SEED`, to have an earlier run again, else a new one. */
export function chooseSeed(): number {
  // biome-ignore lint/style/noProcessEnv: the one setting of these tests
  const { E2E_SEED } = process.env
  return E2E_SEED === undefined ? randomInt(2 ** 31) : Number(E2E_SEED)
}
