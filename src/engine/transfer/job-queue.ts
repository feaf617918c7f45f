/** Does work for each item of an iterable, some at a time, and takes no more items than are being worked on. */

export interface QueueOptions {
  /** Items that are worked on at once, at most. */
  readonly limit: number;
  /** When it is aborted, no other item is taken; what is under way ends by itself. */
  readonly signal: AbortSignal;
}

/** Resolves when all is done. Rejects, when nothing is under way any more, with the first failure. */
export async function forEachConcurrently<Item>(
  items: AsyncIterable<Item>,
  { limit, signal }: QueueOptions,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  let hasFailed = false;
  const workOnSome = async (): Promise<void> => {
    try {
      while (!hasFailed && !signal.aborted) {
        const next = await iterator.next();
        if (next.done || hasFailed || signal.aborted) return;
        await work(next.value);
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  };
  const working = Array.from({ length: limit }, workOnSome);
  const ended = await Promise.allSettled(working);
  // Who plans further items stops.
  await iterator.return?.();
  const failure = ended.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
