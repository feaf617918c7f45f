/** What every run has around it: a display, signals, somebody to ask, and the exit code of what is thrown. */
import { CopyError } from '../errors.ts';
import { chooseUi } from '../ui/choose-ui.ts';
import type { Ui } from '../ui/ui.ts';
import { askTerminal, hasTerminal } from './ask-terminal.ts';
import { askpass, whoIsAsked } from './askpass.ts';
import { type Environment, withoutSecrets } from './environment.ts';
import { type ConfirmingInteraction, createInteraction } from './interaction.ts';
import type { RunOptions } from './parse-arguments.ts';
import { watchSignals } from './signals.ts';

/** What a run needs of the process. */
export interface ProgramIo {
  /** Password and passphrase are deleted from it. */
  readonly environment: Record<string, string | undefined>;
  readonly outputStream: NodeJS.WriteStream;
  readonly errorStream: NodeJS.WriteStream;
}

export interface Shown {
  readonly ui: Ui;
  readonly signal: AbortSignal;
  /** With password and passphrase. */
  readonly environment: Environment;
  /** Undefined where nobody can be asked. */
  readonly interaction: ConfirmingInteraction | undefined;
}

/**
 * Resolves with the exit code of `work`, or of what it throws, which is shown. Rejects only if the display itself
 * fails.
 */
export async function runShown(
  { program, output, batch, warnings }: RunOptions,
  io: ProgramIo,
  work: (shown: Shown) => Promise<number>,
): Promise<number> {
  const environment = withoutSecrets(io.environment);
  const ui = await chooseUi({ program, ...output, ...io, environment });
  const signals = watchSignals(() => ui.say('info', 'Stopping; interrupt once more to leave at once'));
  const { signal } = signals;
  try {
    for (const warning of warnings) ui.say('warning', warning);
    const interaction = batch ? undefined : chooseInteraction(io.environment, ui, signal);
    return await work({ ui, signal, environment, interaction });
  } catch (error) {
    const coded = CopyError.from(error);
    ui.fail(coded.toData(), coded);
    return coded.exitCode;
  } finally {
    signals.dispose();
    ui.close();
  }
}

function chooseInteraction(environment: Environment, ui: Ui, signal: AbortSignal): ConfirmingInteraction | undefined {
  const who = whoIsAsked(environment, hasTerminal());
  if (who === 'nobody') return undefined;
  return createInteraction(who === 'askpass' ? askpass(environment) : askTerminal, ui, signal);
}
