/**
 * A host through which others are reached (`ProxyJump`). Each stream through it has a connection of its own, on every
 * hop: otherwise a provider that shapes connections would shape all streams as one.
 */
import { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { ClientUse, ClientUseListener, OpenedClient } from './client-use.ts';
import { ConnectionAttempt } from './connection-attempt.ts';
import { expectReusable } from './credential-reuse.ts';
import type { EmbeddedClient } from './embedded-client.ts';
import { FAIL_GRACE_MS } from './hang-up.ts';
import type { SharedState } from './shared-state.ts';
import { retireChannel } from './ssh2-internals.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/**
 * Opens a connection to a jump host, and through it a stream to `target`. When the stream is destroyed, the connection
 * is hung up.
 * @param state of the jump host
 * @throws {CopyError} as `SshTransport.open`, for the jump host
 * @throws {Error} the jump host does not reach `target`
 */
export async function dialThrough(state: SharedState, target: Target, signal: AbortSignal): Promise<Duplex> {
  expectReusable(state);
  try {
    return await new ConnectionAttempt(state, new ForwardUse(state, target), () => {}).open(signal);
  } catch (error) {
    throw error instanceof CopyError && error.cause instanceof NotForwarded ? error.cause : error;
  }
}

/** The jump host refuses, or does not reach the other host: that one cannot be reached. */
class NotForwarded extends Error {}

class ForwardUse implements ClientUse<ForwardedStream> {
  readonly #state: Pick<SharedState, 'open'>;
  readonly #target: Target;

  constructor(state: Pick<SharedState, 'open'>, target: Target) {
    this.#state = state;
    this.#target = target;
  }

  begin(client: EmbeddedClient, _isFirst: boolean, { onOpened, onFailed }: ClientUseListener<ForwardedStream>): void {
    const { host, port } = this.#target;
    // The address of the client is for logs only (RFC 4254, 7.2).
    client.ssh.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
      if (error === undefined) {
        client.stage = 'open';
        return onOpened(new ForwardedStream(this.#state, client, channel));
      }
      const refusal = new NotForwarded(`${client.target} does not reach it (${cleanText(error.message)})`);
      onFailed(new CopyError('connection-failed', refusal.message, { cause: refusal }));
    });
  }
}

/** The stream ends with the connection to the jump host, and when it is destroyed, that connection is hung up. */
class ForwardedStream extends Duplex implements OpenedClient {
  readonly #state: Pick<SharedState, 'open'>;
  readonly #client: EmbeddedClient;
  readonly #channel: ClientChannel;

  constructor(state: Pick<SharedState, 'open'>, client: EmbeddedClient, channel: ClientChannel) {
    super();
    this.#state = state;
    this.#client = client;
    this.#channel = channel;
    state.open++;
    channel.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('error', () => {});
    channel.on('close', () => this.destroy());
  }

  get isOver(): boolean {
    return this.destroyed;
  }

  onEnd(error: unknown): void {
    this.fail(this.#client.lostError(error));
  }

  fail(error: CopyError): void {
    if (this.destroyed) return;
    // Whoever uses the stream may not listen yet.
    this.on('error', () => {});
    this.destroy(error);
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _encoding: string, onTaken: (error?: Error | null) => void): void {
    this.#channel.write(chunk, onTaken);
  }

  override _final(onEnded: () => void): void {
    this.#channel.end(() => onEnded());
  }

  override _destroy(error: Error | null, onDestroyed: (error: Error | null) => void): void {
    this.#state.open--;
    retireChannel(this.#channel);
    void this.#client.hangUp(FAIL_GRACE_MS).then(() => onDestroyed(error));
  }
}
