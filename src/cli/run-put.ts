import type { put, TransferContext } from '../transfer.ts';
import type { Environment } from './environment.ts';
import type { PutInvocation } from './parse-arguments.ts';
import { type ProgramIo, runShown } from './run-shown.ts';

/** Copies as `invocation` says, shows it, and answers with the exit code. Rejects only if the display itself fails. */
export function runPut(
  invocation: PutInvocation,
  io: ProgramIo,
  loadPut: () => Promise<typeof put> = async () => (await import('../transfer.ts')).put,
): Promise<number> {
  return runShown(invocation, io, async ({ ui, signal, environment, interaction }) => {
    let told = false;
    const context: TransferContext & { readonly environment: Environment } = {
      signal,
      environment,
      ...(interaction === undefined ? {} : { interaction }),
      onEvent(event) {
        told ||= event.type === 'result';
        ui.onEvent(event);
      },
    };
    const result = await (await loadPut())(invocation.put, context);
    if ('observerError' in result) throw result.observerError;
    if (!told && result.error) ui.fail(result.error);
    return result.exitCode;
  });
}
