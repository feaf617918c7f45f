/** Sizes as design and programs print them: powers of 1024. */
export function mib(bytes: number): string {
  return bytes % 2 ** 30 === 0 ? `${bytes / 2 ** 30} GiB` : `${bytes / 2 ** 20} MiB`;
}

export function landingSentence(landsIn: 'memory' | 'disk' | undefined): string {
  return landsIn === 'memory' ? 'It lands in memory, so that no disk is measured.' : 'It lands on a disk.';
}
