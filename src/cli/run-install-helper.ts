/** `mtput --install-helper`: one connection, a question, and what happened. */
import { CopyError, type CopyErrorData } from '../errors.ts';
import { openRemote } from '../remotes/open-remote.ts';
import type { RemoteConnection } from '../remotes/remote.ts';
import { installHelper } from '../remotes/sftp/install-helper/install-helper.ts';
import { isBatch, resolveSftp } from '../remotes/sftp/open-sftp.ts';
import { processSshEnvironment } from '../remotes/sftp/ssh/ssh-environment.ts';
import { NOTHING_DONE } from '../transfer.ts';
import type { Ui } from '../ui/ui.ts';
import { helperProgram } from './helper-program.ts';
import type { InstallInvocation } from './parse-arguments.ts';
import { type ProgramIo, runShown, type Shown } from './run-shown.ts';
import { usageError } from './usage-error.ts';

type Event = Parameters<Ui['onEvent']>[0];
type EventBody = Event extends infer E ? (E extends Event ? Omit<E, 'v' | 'atMs'> : never) : never;

/** Answers with the exit code: 0 where mtput will have the helper there. Rejects only if the display itself fails. */
export function runInstallHelper(invocation: InstallInvocation, io: ProgramIo): Promise<number> {
  return runShown(invocation, io, async (shown) => {
    const begunMs = performance.now();
    const show = (body: EventBody): void => {
      if (body.type === 'connection' && body.state === 'open') connectionsUsed = 1;
      shown.ui.onEvent({ v: 1, atMs: Date.now(), ...body } as Event);
    };
    let connectionsUsed = 0;
    let bytesSent = 0;
    let error: CopyErrorData | undefined;
    try {
      bytesSent = await install(invocation, shown, show);
    } catch (thrown) {
      // With the signal the connection goes, and with it what was under way.
      const coded = CopyError.from(shown.signal.aborted ? shown.signal.reason : thrown);
      if (coded.code === 'bug') throw coded;
      error = coded.toData();
    }
    const exitCode = error?.exitCode ?? 0;
    const elapsedMs = performance.now() - begunMs;
    show({ type: 'result', exitCode, ...NOTHING_DONE, bytesSent, connectionsUsed, elapsedMs, ...(error && { error }) });
    return exitCode;
  });
}

async function install(
  { ssh, dryRun }: InstallInvocation,
  { environment: variables, interaction, signal }: Shown,
  show: (body: EventBody) => void,
): Promise<number> {
  const environment = { ...processSshEnvironment(), variables };
  const onNotice = (level: 'info' | 'warning', code: string, message: string): void =>
    show({ type: 'notice', level, code, message });
  const onSshNotice = (level: 'detail' | 'warning', message: string): void => {
    if (level === 'warning') onNotice(level, 'ssh', message);
  };
  const spec = await resolveSftp(ssh, 'auto', environment, onSshNotice);
  const asked = isBatch(spec) ? undefined : interaction;
  if (asked === undefined && !dryRun) throw nobodyAsked();
  const program = helperProgram();
  const remote = openRemote(spec, { environment, interaction: asked, onNotice: onSshNotice });
  show({ type: 'connection', connection: 1, state: 'opening' });
  const connection = await remote.connect(1, signal, () => {});
  show({ type: 'connection', connection: 1, state: 'open', description: connection.description });
  const confirm = (question: string): Promise<boolean> => asked?.confirm(question) ?? Promise.resolve(false);
  const task = { program, host: ssh.host, dryRun, confirm, onNotice, signal };
  return await closedAfter(connection, signal, () => installHelper(connection, task));
}

/** The connection ends with `work`, and `work` with `signal`. */
async function closedAfter<T>(connection: RemoteConnection, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const hangUp = (): void => void connection.close();
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    signal.removeEventListener('abort', hangUp);
    await connection.close();
  }
}

function nobodyAsked(): CopyError {
  return usageError(
    '--install-helper asks before it writes, and nobody can be asked',
    'Run it on a terminal and without --batch; or copy mt-copy-tools-cs to ~/.local/bin of the server yourself.',
  );
}
