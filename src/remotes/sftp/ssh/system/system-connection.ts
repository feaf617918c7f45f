/** An open connection of the ssh program of the system, with the sftp subsystem behind it. */
import type { Duplex } from 'node:stream';
import type { CopyError } from '../../../../errors.ts';
import { type Deferred, deferred } from '../../../../util/deferred.ts';
import { inTime } from '../../../../util/in-time.ts';
import { ChildStream } from '../child-stream.ts';
import { CLOSE_GRACE_MS, FAIL_GRACE_MS } from '../hang-up.ts';
import { subsystemEnd } from '../program-end.ts';
import type { ExecChannel, ProgramEnd, SshConnection } from '../ssh-connection.ts';
import type { SshProcess } from './ssh-process.ts';
import type { SystemExecOptions } from './system-exec.ts';

/** Runs a command beside a connection. */
export type ExecBeside = (
  command: string,
  beside: Pick<SystemExecOptions, 'signal' | 'onLost'>,
) => Promise<ExecChannel>;

/**
 * It ends when ssh does, by {@link close}, and when the connection of a command is lost: to those that use it, both are
 * one connection.
 */
export class SystemConnection implements SshConnection {
  readonly sftp: Duplex;
  readonly #process: SshProcess;
  readonly #exec: ExecBeside;
  readonly #over = new AbortController();
  readonly #closed: Deferred<CopyError | undefined> = deferred();
  #status: number | undefined;

  constructor(process: SshProcess, target: string, exec: ExecBeside) {
    this.#process = process;
    this.#exec = exec;
    this.sftp = new ChildStream(process.child, () => undefined);
    this.sftp.on('error', () => {});
    void process.ended.then((status) => {
      this.#status = status;
      this.#end(status === undefined ? process.failure : subsystemEnd(this.#programEnd, target));
    });
  }

  get software(): string {
    return this.#process.output.software;
  }

  get closed(): Promise<CopyError | undefined> {
    return this.#closed.promise;
  }

  exec(command: string): Promise<ExecChannel> {
    const onLost = (error: CopyError): void => {
      this.#end(error);
      void this.#process.hangUp(FAIL_GRACE_MS);
    };
    return this.#exec(command, { signal: this.#over.signal, onLost });
  }

  async programEnd(ms: number): Promise<ProgramEnd> {
    await inTime(this.#process.ended, ms);
    return this.#programEnd;
  }

  async close(): Promise<void> {
    this.#end(undefined);
    await this.#process.hangUp(CLOSE_GRACE_MS);
    this.sftp.destroy();
  }

  #end(reason: CopyError | undefined): void {
    this.#closed.resolve(reason);
    this.#over.abort();
  }

  get #programEnd(): ProgramEnd {
    const stderr = Buffer.from(this.#process.output.text);
    return { hasEnded: this.#status !== undefined, status: this.#status, signal: undefined, stderr };
  }
}
