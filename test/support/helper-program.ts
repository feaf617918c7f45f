/** `mt-copy-tools-cs`: ours as it is built, and one that behaves as the first of that name. */
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { repoRoot } from './repo-root.ts';

export const helperPath: string = join(repoRoot, 'dist/cli/mt-copy-tools-cs.js');

/** As `mt-copy-tools-cs` in `dir`, alone. Returns its path. */
export async function installHelper(dir: string): Promise<string> {
  const path = join(dir, 'mt-copy-tools-cs');
  await mkdir(dirname(path), { recursive: true });
  await copyFile(helperPath, path);
  await chmod(path, 0o755);
  return path;
}

/**
 * Knows -h, -m, -f, -s, -l and nothing else. A file that ends early is told on stderr, and the digest of what there is
 * printed, with exit code 0.
 */
const ORIGINAL = `#!/bin/sh
m= f= s=0 l=0
[ "$1" = -h ] && { echo 'Usage of mt-copy-tools-cs:' >&2; exit 0; }
while [ $# -gt 0 ]; do
  case $1 in
    -m) m=$2 ;; -f) f=$2 ;; -s) s=$2 ;; -l) l=$2 ;;
    *) echo "flag provided but not defined: $1" >&2; exit 1 ;;
  esac
  shift 2
done
case $m in sha256|sha512|sha1|md5) ;; *) exit 5 ;; esac
{ : <"$f"; } 2>/dev/null || { echo "open $f: no such file or directory" >&2; exit 2; }
size=$(stat -c %s "$f")
[ $((s + l)) -le "$size" ] || echo 'unexpected EOF' >&2
[ "$l" -gt 0 ] || l=$size
dd if="$f" iflag=skip_bytes,count_bytes skip="$s" count="$l" bs=64K status=none | "\${m}sum" | {
  read -r digest name
  echo "$digest"
}
`;

export async function installOriginal(dir: string, text: string = ORIGINAL): Promise<string> {
  const path = join(dir, 'mt-copy-tools-cs');
  await mkdir(dir, { recursive: true });
  await writeFile(path, text, { mode: 0o755 });
  return path;
}
