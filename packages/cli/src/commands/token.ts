import type { Token, TokenScope } from '@artifact-store/client'
import { Command, InvalidArgumentError } from 'commander'
import { defineCommand, inSession, type Surroundings } from '../command.ts'
import { formatTime } from '../sizes.ts'
import { type Column, renderTable } from '../table.ts'

interface CreateFlags {
  readonly actor: string
  readonly scope: TokenScope[]
  readonly description?: string
  readonly expires?: string
}

export function tokenCommand(surroundings: Surroundings): Command {
  return new Command('token')
    .description('issue, list and revoke tokens (needs the admin scope)')
    .addCommand(createCommand(surroundings))
    .addCommand(listCommand(surroundings))
    .addCommand(revokeCommand(surroundings))
}

function createCommand(surroundings: Surroundings): Command {
  return defineCommand('create', 'issue a token; its secret is printed now and never again')
    .requiredOption('--actor <actor>', 'who it speaks for: events name this')
    .requiredOption('--scope <scope>', 'read, write or admin; may be given several times', collectScope)
    .option('--description <text>', 'what it is for')
    .option('--expires <time>', 'when it ends, e.g. 2027-01-31T00:00:00Z', parseTime)
    .action(async (flags: CreateFlags, command: Command) => {
      await inSession(surroundings, command, async ({ client, output, signal, json }) => {
        const { actor, scope: scopes, description, expires: expiresAt } = flags
        const issued = await client.tokens.issue({ actor, scopes, description, expiresAt }, { signal })
        if (json) return await output.json(issued)
        // The secret alone on stdout, for TOKEN=$(artifact token create …).
        await output.line(issued.token)
        output.note(`this is the token ${issued.id} of ${issued.actor}; it will not be shown again`)
      })
    })
}

function listCommand(surroundings: Surroundings): Command {
  return defineCommand('ls', 'list tokens').action(async (_flags: object, command: Command) => {
    await inSession(surroundings, command, async ({ client, output, signal, json }) => {
      const tokens = await client.tokens.list({ signal })
      if (json) return await output.json({ tokens })
      await output.lines(renderTable(columns(new Date()), tokens))
    })
  })
}

function revokeCommand(surroundings: Surroundings): Command {
  return defineCommand('revoke', 'revoke a token: it opens nothing from then on')
    .argument('<id>', 'the id of the token')
    .action(async (id: string, _flags: object, command: Command) => {
      await inSession(surroundings, command, async ({ client, output, signal, json }) => {
        await client.tokens.revoke(id, { signal })
        await (json ? output.json({ id, revoked: true }) : output.line(`revoked ${id}`))
      })
    })
}

function columns(now: Date): readonly Column<Token>[] {
  return [
    { title: 'ID', cell: token => token.id },
    { title: 'ACTOR', cell: token => token.actor },
    { title: 'SCOPES', cell: token => token.scopes.join(',') },
    { title: 'STATE', cell: token => stateOf(token, now) },
    { title: 'ISSUED', cell: token => formatTime(token.issuedAt) },
    { title: 'DESCRIPTION', cell: token => token.description ?? '' },
  ]
}

function stateOf(token: Token, now: Date): string {
  if (token.revokedAt !== undefined) return `revoked ${formatTime(token.revokedAt)}`
  if (token.expiresAt === undefined) return 'valid'
  return `${new Date(token.expiresAt) <= now ? 'expired' : 'valid until'} ${formatTime(token.expiresAt)}`
}

function collectScope(text: string, soFar: readonly TokenScope[] = []): TokenScope[] {
  const scopes = text.split(',').map(scope => {
    if (scope === 'read' || scope === 'write' || scope === 'admin') return scope
    throw new InvalidArgumentError('Give read, write or admin.')
  })
  return [...soFar, ...scopes]
}

function parseTime(text: string): string {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('Give a time like 2027-01-31T00:00:00Z.')
  return time.toISOString()
}
