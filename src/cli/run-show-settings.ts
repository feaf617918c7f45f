/** `-G`: prints what was understood of the options and of the files of ssh. Nothing is connected to. */
import { sftpSettingsText } from '../remotes/sftp/open-sftp.ts';
import { processSshEnvironment } from '../remotes/sftp/ssh/ssh-environment.ts';
import type { SettingsInvocation } from './parse-arguments.ts';
import { type ProgramIo, runShown } from './run-shown.ts';

/** Resolves with the exit code. */
export function runShowSettings(invocation: SettingsInvocation, io: ProgramIo): Promise<number> {
  return runShown(invocation, io, async ({ ui, environment }) => {
    const lines = await sftpSettingsText(
      invocation.ssh,
      { ...processSshEnvironment(), variables: environment },
      (level, text) => {
        if (level === 'warning' || invocation.output.verbose > 0) ui.say('warning', text);
      },
    );
    io.outputStream.write(`${lines.join('\n')}\n`);
    return 0;
  });
}
