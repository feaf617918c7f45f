/** Looks at items ahead of their use, some at a time, and yields what was found in the order of the items. */
export async function* lookAhead<Item, Found>(
  items: Iterable<Item>,
  limit: number,
  look: (item: Item) => Promise<Found>,
): AsyncGenerator<Found, void, undefined> {
  const looks: Promise<Found>[] = [];
  try {
    for (const item of items) {
      const looking = look(item);
      // Whoever takes it gets its failure. It may also be that nobody takes it.
      looking.catch(() => {});
      looks.push(looking);
      if (looks.length === limit) yield await looks.shift()!;
    }
    for (const looking of looks) yield await looking;
  } finally {
    await Promise.allSettled(looks);
  }
}
