/** stdout and stderr, whose readers may go away: a closed pipe is no failure of the copy. */

/** Keeps a vanished reader, or one that cannot be written to, from ending the program. */
export function tolerateClosedStreams(streams: readonly NodeJS.WriteStream[]): void {
  for (const stream of streams) stream.on('error', () => {});
}

/** Resolves when everything written so far is out, or its reader is gone. */
export async function flushStreams(streams: readonly NodeJS.WriteStream[]): Promise<void> {
  await Promise.all(
    streams.map(
      (stream) =>
        new Promise<void>((resolve) => {
          if (stream.destroyed || stream.writableEnded) resolve();
          else stream.write('', () => resolve());
        }),
    ),
  );
}
