/** An open connection of the ssh program of the system, with the sftp subsystem behind it. */
import type { Duplex } from 'node:stream';
import type { CopyError } from '../../../../errors.ts';
import { type Deferred, deferred } from '../../../../util/deferred.ts';
import { inTime } from '../../../../util/in-time.ts';
import { ChildStream } from '../child-stream.ts';
import { CLOSE_GRACE_MS } from '../hang-up.ts';
import { subsystemEnd } from '../program-end.ts';
import type { ExecChannel, ProgramEnd, SshConnection } from '../ssh-connection.ts';
import type { SshEnd, SshProcess } from './ssh-process.ts';

/** It ends when ssh does, and by {@link close}. */
export class SystemConnection implements SshConnection {
  readonly sftp: Duplex;
  readonly exec: (command: string) => Promise<ExecChannel>;
  readonly #process: SshProcess;
  readonly #target: string;
  readonly #closed: Deferred<CopyError | undefined> = deferred();
  #end: SshEnd | undefined;
  #isClosing = false;

  constructor(process: SshProcess, target: string, exec: (command: string) => Promise<ExecChannel>) {
    this.#process = process;
    this.#target = target;
    this.exec = exec;
    this.sftp = new ChildStream(process.child, () => undefined);
    this.sftp.on('error', () => {});
    void process.ended.then((end) => {
      this.#end = end;
      this.#closed.resolve(this.#isClosing ? undefined : this.#reason(end));
    });
  }

  get software(): string {
    return this.#process.output.software;
  }

  get closed(): Promise<CopyError | undefined> {
    return this.#closed.promise;
  }

  async programEnd(ms: number): Promise<ProgramEnd> {
    await inTime(this.#process.ended, ms);
    return this.#programEnd;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#process.hangUp(CLOSE_GRACE_MS);
    this.sftp.destroy();
  }

  get #programEnd(): ProgramEnd {
    const status = this.#end?.status;
    const stderr = Buffer.from(this.#process.output.text);
    return { hasEnded: status !== undefined, status, signal: undefined, stderr };
  }

  #reason({ status }: SshEnd): CopyError {
    return status === undefined ? this.#process.failure : subsystemEnd(this.#programEnd, this.#target);
  }
}
