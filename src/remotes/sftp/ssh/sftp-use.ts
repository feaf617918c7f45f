/** Opens the channel of the sftp subsystem. */
import type { ClientChannel } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { ClientUse, ClientUseListener } from './client-use.ts';
import type { EmbeddedClient } from './embedded-client.ts';
import { EmbeddedConnection } from './embedded-connection.ts';
import type { SharedState } from './shared-state.ts';
import { slowPathNote } from './slow-path.ts';
import { maxPacketOf, retireChannel } from './ssh2-internals.ts';

/** The smallest packet size that a server may ask for, in bytes. Less cannot be meant seriously. */
const MIN_PACKET = 512;

export class SftpUse implements ClientUse<EmbeddedConnection> {
  readonly #shared: Pick<SharedState, 'settings' | 'open' | 'onDetail'>;

  constructor(shared: Pick<SharedState, 'settings' | 'open' | 'onDetail'>) {
    this.#shared = shared;
  }

  begin(client: EmbeddedClient, isFirst: boolean, listener: ClientUseListener<EmbeddedConnection>): void {
    client.ssh.subsys('sftp', (error, channel) => {
      if (error !== undefined) listener.onFailed(channelError(error, client.target, isFirst));
      else this.#onChannel(client, channel, listener);
    });
  }

  #onChannel(
    client: EmbeddedClient,
    channel: ClientChannel,
    { onOpened, onFailed }: ClientUseListener<EmbeddedConnection>,
  ): void {
    if ((maxPacketOf(channel) ?? MIN_PACKET) < MIN_PACKET) {
      retireChannel(channel);
      return onFailed(new CopyError('protocol', `${client.target} accepts no packets of a useful size.`));
    }
    client.stage = 'open';
    const connection = new EmbeddedConnection(this.#shared, client, channel);
    this.#reportSlowPath(client);
    onOpened(connection);
  }

  /** Reports only for the first connection, because it is the same for all. */
  #reportSlowPath({ ssh }: EmbeddedClient): void {
    const { onDetail, settings } = this.#shared;
    this.#shared.onDetail = undefined;
    const note = slowPathNote(ssh, settings);
    if (note !== undefined) onDetail?.(note);
  }
}

/**
 * proftpd with too many clients accepts the login and refuses the channel, so that this counts as a refused connection.
 */
function channelError(error: Error, target: string, isFirst: boolean): CopyError {
  if (isFirst && /unable to start subsystem/i.test(error.message)) {
    return new CopyError('subsystem-missing', `${target} has no sftp subsystem.`, { cause: error });
  }
  const reason = cleanText(error.message).slice(0, 300);
  return new CopyError('connection-refused', `${target} opened no sftp channel: ${reason}.`, { cause: error });
}
