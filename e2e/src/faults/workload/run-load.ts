import type { Dice } from '../dice.ts'
import { appender } from './appender.ts'
import type { Client, Load } from './load.ts'
import { packageReader, pageReader } from './readers.ts'
import { uploader } from './uploader.ts'

const clients: readonly { readonly role: string; readonly count: number; readonly client: Client }[] = [
  { role: 'appender', count: 6, client: appender },
  { role: 'uploader', count: 3, client: uploader },
  { role: 'reader', count: 2, client: packageReader },
  { role: 'pager', count: 2, client: pageReader },
]

/** Lets all clients work until the load is over. Resolves when each has its last answer, or has given it up. */
export async function runLoad(load: Load, dice: Dice): Promise<void> {
  await Promise.all(
    clients.flatMap(({ role, count, client }) =>
      Array.from({ length: count }, (_, index) => {
        const name = `${role}-${index + 1}`
        return client(load, name, dice.fork(name))
      }),
    ),
  )
}
