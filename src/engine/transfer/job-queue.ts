/** Works on the items of an iterable, several at a time. It takes an item only when work on it begins. */

export interface QueueOptions {
  /** How many items are worked on at the same time at most. */
  readonly limit: number;
  /** When it is aborted, no other item is taken. Work in progress is not interrupted. */
  readonly signal: AbortSignal;
}

/**
 * Resolves when all work is done. After a failure, no item is taken any more; rejects when the work in progress has
 * ended.
 */
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
  // The iterable must not plan further items.
  await iterator.return?.();
  const failure = ended.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
