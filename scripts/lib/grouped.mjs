/** The items by their keys, each group in the order of the items. `Map.groupBy` does that from Node 21 on. */
export function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
