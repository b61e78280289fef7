import { Command } from 'commander'
import type { Surroundings } from '../command.ts'
import { rebuildCommand } from './rebuild.ts'
import { verifyCommand } from './verify.ts'

export function adminCommand(surroundings: Surroundings): Command {
  return new Command('admin')
    .description('rebuild and verify the views (needs the admin scope)')
    .addCommand(rebuildCommand(surroundings))
    .addCommand(verifyCommand(surroundings))
}
