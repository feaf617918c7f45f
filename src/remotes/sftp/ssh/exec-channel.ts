/** Runs a command in a channel of an ssh2 connection. */
import type { Client, ClientChannel } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { ExecChannel } from './ssh-connection.ts';
import { channelOpenedBy, killCommand, retireChannel } from './ssh2-internals.ts';

/** How long a server may take to start a command. */
const START_MS = 5000;
const STDERR_TAIL = 1000;

/**
 * Resolves when the command has started.
 * @throws {CopyError} `unsupported`: when the server refuses, or does not answer within 5 s; `connection-lost`: when
 *   the connection ends
 */
export function execOn(client: Client, command: string): Promise<ExecChannel> {
  return new Promise((resolve, reject) => {
    const onClose = (): void =>
      refuse(new CopyError('connection-lost', 'The connection ended before the command started.'));
    const late = setTimeout(
      () => refuse(new CopyError('unsupported', 'The server does not answer to a command.')),
      START_MS,
    );
    let isOver = false;
    let closeOpened = (): void => {};
    const settle = (): void => {
      isOver = true;
      clearTimeout(late);
      client.off('close', onClose);
    };
    const refuse = (error: CopyError): void => {
      if (isOver) return;
      settle();
      // Otherwise, the channel of a refused command stays open, and a server allows only some channels.
      closeOpened();
      reject(error);
    };
    client.once('close', onClose);
    try {
      closeOpened = channelOpenedBy(client, () => {
        client.exec(command, (error, channel) => {
          if (isOver) channel?.close();
          else if (error === undefined) {
            settle();
            resolve(execChannel(client, channel));
          } else {
            const reason = cleanText(error.message).slice(0, 300);
            refuse(new CopyError('unsupported', `The server runs no commands: ${reason}.`, { cause: error }));
          }
        });
      });
    } catch (error) {
      refuse(new CopyError('connection-lost', 'The connection has ended.', { cause: error }));
    }
  });
}

function execChannel(client: Client, channel: ClientChannel): ExecChannel {
  let tail = '';
  let status: number | undefined;
  channel.stderr.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('latin1')).slice(-STDERR_TAIL);
  });
  // Errors of the streams need no handling, because the command ends then.
  channel.on('error', () => {});
  channel.stderr.on('error', () => {});
  channel.on('exit', (code: unknown) => {
    if (typeof code === 'number') status = code;
  });
  closeOnlyWhenAsked(channel);
  const exited = new Promise<number | undefined>((resolve) => {
    const onClose = (): void => {
      retireChannel(channel);
      channel.destroy();
      resolve(status);
    };
    client.once('close', onClose);
    channel.on('close', () => {
      client.off('close', onClose);
      resolve(status);
    });
  });
  return {
    stdin: channel,
    stdout: channel,
    stderrTail: () => tail,
    exited,
    close() {
      killCommand(client, channel);
      channel.close();
      // The end of the channel follows its remaining output, which has to be read and discarded.
      channel.resume();
    },
  };
}

/**
 * Prevents Node from destroying the stream as soon as both directions have ended. ssh2 would close the channel then,
 * and the exit status, which the server sends after the last output, would be lost.
 */
function closeOnlyWhenAsked(channel: ClientChannel): void {
  const destroy = channel.destroy.bind(channel);
  channel.destroy = () => (channel.readableEnded ? channel : destroy());
}
