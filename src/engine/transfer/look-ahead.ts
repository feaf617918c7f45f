/**
 * Calls `look` for up to `limit` items ahead of their use, and yields the results in the order of the items. A failure
 * rejects when its result is due.
 */
export async function* lookAhead<Item, Found>(
  items: Iterable<Item>,
  limit: number,
  look: (item: Item) => Promise<Found>,
): AsyncGenerator<Found, void, undefined> {
  const looks: Promise<Found>[] = [];
  try {
    for (const item of items) {
      const looking = look(item);
      // The failure is reported when the result is taken, which may never happen.
      looking.catch(() => {});
      looks.push(looking);
      if (looks.length === limit) yield await looks.shift()!;
    }
    for (const looking of looks) yield await looking;
  } finally {
    await Promise.allSettled(looks);
  }
}
