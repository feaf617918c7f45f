import type { get, parseFilesFrom, put, TransferContext } from '../transfer.ts';
import type { Environment } from './environment.ts';
import type { CopyInvocation } from './parse-arguments.ts';
import { readFilesFrom } from './read-files-from.ts';
import { type ProgramIo, runShown } from './run-shown.ts';

export interface CopyLibrary {
  readonly put: typeof put;
  readonly get: typeof get;
  readonly parseFilesFrom: typeof parseFilesFrom;
}

/** Copies as `invocation` says, shows it, and answers with the exit code. Rejects only if the display itself fails. */
export function runCopy(
  invocation: CopyInvocation,
  io: ProgramIo,
  loadLibrary: () => Promise<CopyLibrary> = () => import('../transfer.ts'),
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
    const library = await loadLibrary();
    const listed =
      invocation.filesFrom === undefined
        ? {}
        : { filesFrom: library.parseFilesFrom(await readFilesFrom(invocation.filesFrom, signal)) };
    const isPut = invocation.kind === 'put';
    const result = await (isPut
      ? library.put({ ...invocation.put, ...listed }, context)
      : library.get({ ...invocation.get, ...listed }, context));
    if ('observerError' in result) throw result.observerError;
    if (!told && result.error) ui.fail(result.error);
    return result.exitCode;
  });
}
