/**
 * A host through which others are reached (`ProxyJump`). Each stream through it has a connection of its own, on every
 * hop: otherwise a provider that shapes connections would shape all streams as one.
 */
import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { ClientUse, ClientUseListener, OpenedClient } from './client-use.ts';
import { ConnectionAttempt } from './connection-attempt.ts';
import type { EmbeddedClient } from './embedded-client.ts';
import { FAIL_GRACE_MS } from './hang-up.ts';
import type { SharedState } from './shared-state.ts';

/**
 * Opens a connection to a jump host, and through it a stream to `target`. When the stream is closed, so is the
 * connection.
 * @param state of the jump host
 * @throws {CopyError} as `SshTransport.open`, for the jump host; `connection-failed`: when it does not reach `target`
 */
export async function dialThrough(state: SharedState, target: Target, signal: AbortSignal): Promise<Duplex> {
  const { stream } = await new ConnectionAttempt(state, new ForwardUse(target), () => {}).open(signal);
  return stream;
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

class ForwardUse implements ClientUse<ForwardedStream> {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  begin(client: EmbeddedClient, _isFirst: boolean, { onOpened, onFailed }: ClientUseListener<ForwardedStream>): void {
    // The address of the client is for logs only (RFC 4254, 7.2).
    const { host, port } = this.#target;
    client.ssh.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
      if (error !== undefined) return onFailed(this.#failure(error, client.target));
      client.stage = 'open';
      onOpened(new ForwardedStream(client, channel));
    });
  }

  #failure(error: Error, jump: string): CopyError {
    const { host, port } = this.#target;
    const message = `${jump} does not reach ${cleanText(host)}:${port}: ${cleanText(error.message)}.`;
    const advice = 'Check the name as the jump host knows it, and whether it allows forwarding (AllowTcpForwarding).';
    return new CopyError('connection-failed', message, { cause: error, advice });
  }
}

class ForwardedStream implements OpenedClient {
  readonly stream: ClientChannel;
  readonly #client: EmbeddedClient;
  #isOver = false;

  constructor(client: EmbeddedClient, stream: ClientChannel) {
    this.#client = client;
    this.stream = stream;
    stream.once('close', () => this.#end());
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  onEnd(error: unknown): void {
    this.fail(this.#client.lostError(error));
  }

  /** The stream ends with the connection, which is what the one that runs on it notices. */
  fail(_error: CopyError): void {
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void this.#client.hangUp(FAIL_GRACE_MS);
  }
}
