/** An open connection by ssh2, with the channel of its sftp subsystem. */
import type { ClientChannel } from 'ssh2';
import type { CopyError } from '../../../errors.ts';
import { type Deferred, deferred } from '../../../util/deferred.ts';
import type { PacketInlet } from '../session-inlet.ts';
import type { PacketOutlet } from '../session-outlet.ts';
import type { OpenedClient } from './client-use.ts';
import type { EmbeddedClient } from './embedded-client.ts';
import { execOn } from './exec-channel.ts';
import { fastInlet } from './fast-inlet.ts';
import { fastOutlet } from './fast-outlet.ts';
import { CLOSE_GRACE_MS, FAIL_GRACE_MS } from './hang-up.ts';
import { ProgramWatch, subsystemEnd } from './program-end.ts';
import type { SharedState } from './shared-state.ts';
import type { ExecChannel, ProgramEnd, SshConnection } from './ssh-connection.ts';
import { retireChannel } from './ssh2-internals.ts';

/**
 * A connection from the moment when its channel is open. It ends by {@link close}, when the sftp subsystem ends, and by
 * whatever its owner reports with {@link fail} or {@link onEnd}; only the first of these counts.
 *
 * It is counted among the open connections of its transport from its construction until it ends.
 */
export class EmbeddedConnection implements SshConnection, OpenedClient {
  readonly software: string;
  readonly sftp: ClientChannel;
  readonly outlet: PacketOutlet | undefined;
  readonly inlet: PacketInlet | undefined;
  readonly #shared: Pick<SharedState, 'open'>;
  readonly #client: EmbeddedClient;
  readonly #program: ProgramWatch;
  readonly #closed: Deferred<CopyError | undefined> = deferred();
  #isOver = false;

  constructor(shared: Pick<SharedState, 'open'>, client: EmbeddedClient, channel: ClientChannel) {
    this.#shared = shared;
    this.#client = client;
    this.software = client.software;
    this.sftp = channel;
    shared.open++;
    const program = new ProgramWatch(channel, () => this.#isOver, this.closed);
    this.#program = program;
    channel.on('error', () => {});
    channel.on('close', () => this.#end(subsystemEnd(program.now, client.target)));
    const { ssh, socket, reader } = client;
    const inlet = reader && fastInlet(ssh, channel, reader);
    this.inlet = inlet;
    this.outlet = reader && fastOutlet(ssh, channel, socket, () => inlet?.onRequest());
  }

  get closed(): Promise<CopyError | undefined> {
    return this.#closed.promise;
  }

  /** Whether it has failed or was closed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  exec(command: string): Promise<ExecChannel> {
    return execOn(this.#client.ssh, command);
  }

  programEnd(ms: number): Promise<ProgramEnd> {
    return this.#program.end(ms);
  }

  /** To be called when ssh2 reports that the connection has ended, with an error or without one. */
  onEnd(error: unknown): void {
    this.#end(this.#client.lostError(error));
  }

  /** Ends the connection with `error`. */
  fail(error: CopyError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#shared.open--;
    this.#closed.resolve(error);
    void this.#client.hangUp(FAIL_GRACE_MS);
  }

  async close(): Promise<void> {
    const wasOver = this.#isOver;
    this.#isOver = true;
    if (!wasOver) this.#shared.open--;
    await this.#client.hangUp(CLOSE_GRACE_MS);
    if (!wasOver) this.#closed.resolve(undefined);
  }

  #end(error: CopyError): void {
    retireChannel(this.sftp);
    this.fail(error);
  }
}
