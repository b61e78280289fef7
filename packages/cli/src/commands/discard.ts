import type { Command } from 'commander'
import { defineCommand, inSession, type Surroundings } from '../command.ts'

export function discardCommand(surroundings: Surroundings): Command {
  return defineCommand('discard', 'give an open package up: it will never be finalized')
    .argument('<id>', 'the id of the package')
    .option('--reason <text>', 'why')
    .action(async (id: string, flags: { reason?: string }, command: Command) => {
      await inSession(surroundings, command, async ({ client, output, signal, json }) => {
        const discarded = await client.packages.discard(id, { reason: flags.reason, signal })
        await (json ? output.json(discarded) : output.line(`discarded ${discarded.id}`))
      })
    })
}
