import { CopyError } from '../errors.ts';
import type { put, TransferContext } from '../transfer.ts';
import { chooseUi } from '../ui/choose-ui.ts';
import type { Ui } from '../ui/ui.ts';
import { askTerminal, hasTerminal } from './ask-terminal.ts';
import { askpass, whoIsAsked } from './askpass.ts';
import { type Environment, withoutSecrets } from './environment.ts';
import { createInteraction, type Interaction } from './interaction.ts';
import type { Invocation } from './parse-arguments.ts';
import { watchSignals } from './signals.ts';

/** What a run needs of the process. */
export interface ProgramIo {
  /** Password and passphrase are deleted from it. */
  readonly environment: Record<string, string | undefined>;
  readonly outputStream: NodeJS.WriteStream;
  readonly errorStream: NodeJS.WriteStream;
}

/** Copies as `invocation` says, shows it, and answers with the exit code. Rejects only if the display itself fails. */
export async function runPut(
  invocation: Extract<Invocation, { kind: 'put' }>,
  io: ProgramIo,
  loadPut: () => Promise<typeof put> = async () => (await import('../transfer.ts')).put,
): Promise<number> {
  const environment = withoutSecrets(io.environment);
  const ui = await chooseUi({ program: 'mtput', ...invocation.output, ...io, environment });
  const signals = watchSignals(() => ui.say('info', 'Stopping; interrupt once more to leave at once'));
  try {
    for (const warning of invocation.warnings) ui.say('warning', warning);
    const interaction = invocation.batch ? undefined : chooseInteraction(io.environment, ui, signals.signal);
    let told = false;
    const context: TransferContext & { readonly environment: Environment } = {
      signal: signals.signal,
      environment,
      ...(interaction === undefined ? {} : { interaction }),
      onEvent(event) {
        told ||= event.type === 'result';
        ui.onEvent(event);
      },
    };
    const result = await (await loadPut())(invocation.put, context);
    if (!told && result.error) ui.fail(result.error);
    return result.exitCode;
  } catch (error) {
    const coded = CopyError.from(error);
    ui.fail(coded.toData(), coded);
    return coded.exitCode;
  } finally {
    signals.dispose();
    ui.close();
  }
}

function chooseInteraction(environment: Environment, ui: Ui, signal: AbortSignal): Interaction | undefined {
  const who = whoIsAsked(environment, hasTerminal());
  if (who === 'nobody') return undefined;
  return createInteraction(who === 'askpass' ? askpass(environment) : askTerminal, ui, signal);
}
