const WRITABLE_BY_OTHERS = 0o022;

/**
 * Whether a file or directory belongs to this user, and nobody else may write it. Windows does not tell, so that
 * everything counts as private there.
 */
export function isPrivate({ uid, mode }: { readonly uid: number | bigint; readonly mode: number | bigint }): boolean {
  if (process.geteuid === undefined) return true;
  return Number(uid) === process.geteuid() && (Number(mode) & WRITABLE_BY_OTHERS) === 0;
}
