import { Command } from 'commander'
import type { Surroundings } from '../command.ts'
import { archiveCommand } from './archive.ts'
import { backendsCommand } from './backends.ts'
import { checkCommand } from './check.ts'
import { migrateCommand } from './migrate.ts'
import { rebuildCommand } from './rebuild.ts'
import { verifyCommand } from './verify.ts'

export function adminCommand(surroundings: Surroundings): Command {
  return new Command('admin')
    .description(
      'prove that the store is whole, rebuild and verify the views, look at the archive of the log and at the backends, move bytes between these (needs the admin scope)',
    )
    .addCommand(checkCommand(surroundings))
    .addCommand(rebuildCommand(surroundings))
    .addCommand(verifyCommand(surroundings))
    .addCommand(archiveCommand(surroundings))
    .addCommand(backendsCommand(surroundings))
    .addCommand(migrateCommand(surroundings))
}
