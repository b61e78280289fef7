import { Command } from 'commander'
import { type Surroundings, withGlobalOptions } from './command.ts'
import { adminCommand } from './commands/admin.ts'
import { discardCommand } from './commands/discard.ts'
import { doctorCommand } from './commands/doctor.ts'
import { eventsCommand } from './commands/events.ts'
import { lsCommand } from './commands/ls.ts'
import { pullCommand } from './commands/pull.ts'
import { pushCommand } from './commands/push.ts'
import { showCommand } from './commands/show.ts'
import { tokenCommand } from './commands/token.ts'

/** The whole command line. It throws CommanderError where commander would end the process. */
export function artifactProgram(surroundings: Surroundings): Command {
  const { stdout, stderr } = surroundings.output
  const program = withGlobalOptions(new Command('artifact'))
    .description('Push directories to an artifact store, find them again, fetch them, and follow what happens.')
    .addHelpText('after', '\nExit codes: 0 it worked, 1 it did not, 2 the command line is wrong, 130 it was interrupted.')
    .addCommand(pushCommand(surroundings))
    .addCommand(pullCommand(surroundings))
    .addCommand(lsCommand(surroundings))
    .addCommand(showCommand(surroundings))
    .addCommand(eventsCommand(surroundings))
    .addCommand(discardCommand(surroundings))
    .addCommand(doctorCommand(surroundings))
    .addCommand(tokenCommand(surroundings))
    .addCommand(adminCommand(surroundings))
  forEachCommand(program, command => {
    command.exitOverride().showHelpAfterError(`Try "${pathOf(command)} --help".`)
    command.configureOutput({
      writeOut: text => void stdout.write(text),
      writeErr: text => void stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      outputError: (text, write) => write(text.replace(/^error: /, 'artifact: ')),
    })
  })
  return program
}

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command)
  for (const child of command.commands) forEachCommand(child, visit)
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}
