/** A command in a channel of a connection of ssh2. */
import type { Client, ClientChannel } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { ExecChannel } from './ssh-connection.ts';
import { channelOpenedBy, killCommand, retireChannel } from './ssh2-internals.ts';

/** How long a server may take to begin a command. */
const START_MS = 5000;
const STDERR_TAIL = 1000;

/** @throws {CopyError} `unsupported`, `connection-lost` */
export function execOn(client: Client, command: string): Promise<ExecChannel> {
  return new Promise((resolve, reject) => {
    const lost = (): void => refuse(new CopyError('connection-lost', 'The connection ended before the command began.'));
    const late = setTimeout(
      () => refuse(new CopyError('unsupported', 'The server does not answer to a command.')),
      START_MS,
    );
    let isOver = false;
    let closeOpened = (): void => {};
    const settle = (): void => {
      isOver = true;
      clearTimeout(late);
      client.off('close', lost);
    };
    const refuse = (error: CopyError): void => {
      if (isOver) return;
      settle();
      // A channel in which the command was refused stays open otherwise, and a server allows only some.
      closeOpened();
      reject(error);
    };
    client.once('close', lost);
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
  // What could not be written or read shows in the end of the command.
  channel.on('error', () => {});
  channel.stderr.on('error', () => {});
  channel.on('exit', (code: unknown) => {
    if (typeof code === 'number') status = code;
  });
  closeOnlyWhenAsked(channel);
  const exited = new Promise<number | undefined>((resolve) => {
    const lost = (): void => {
      retireChannel(channel);
      channel.destroy();
      resolve(status);
    };
    client.once('close', lost);
    channel.on('close', () => {
      client.off('close', lost);
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
      // The end comes behind what nobody will read any more.
      channel.resume();
    },
  };
}

/**
 * Node destroys a stream when both directions have ended, which ssh2 takes for a wish to close: the exit status, which
 * comes after the last output, would be lost.
 */
function closeOnlyWhenAsked(channel: ClientChannel): void {
  const destroy = channel.destroy.bind(channel);
  channel.destroy = () => (channel.readableEnded ? channel : destroy());
}
