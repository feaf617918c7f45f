/** The views without their first `count` bytes. The first of the returned views is not empty. */
export function skipBytes(views: readonly Uint8Array[], count: number): Uint8Array[] {
  let index = 0;
  let left = count;
  while (index < views.length && left >= views[index]!.length) left -= views[index++]!.length;
  const rest = views.slice(index);
  if (left > 0) rest[0] = rest[0]!.subarray(left);
  return rest;
}
