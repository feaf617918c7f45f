/** The script that `/bin/sh` on the server reads to run the helper once. */
import { PROGRAM } from '../../../helper/framing.ts';
import type { ShellScript } from '../digests/shell-session.ts';

/**
 * Reads the path of the program in the notation of `escapedPath`, and answers with one line. It is `unseen` where the
 * shell sees no such file, otherwise `CODE HOME PATH NODE TEXT`:
 *
 * - CODE: the exit code of the program with `--version`
 * - HOME: `home` where the program is in the ~/.local/bin of the shell, otherwise `away`
 * - PATH: whether the PATH leads to this program (`here`), to another one of the same name (`other`), or to `none`
 * - NODE: `node` where the shell finds node, otherwise `no-node`
 * - TEXT: the output, with blanks in place of newlines
 *
 * The path occurs only as a quoted variable, so that the shell never interprets it.
 */
export const TRY_SCRIPT: ShellScript = {
  marker: 'mt-copy-install',
  text: `{
LC_ALL=C
export LC_ALL
real() { (cd -P "$1" 2>/dev/null && pwd -P); }
printf '\\nmt-copy-%s\\n' 'install'
read -r escaped || exit 0
path=$(printf '%b.' "$escaped")
path=\${path%.}
if [ ! -f "$path" ]; then
  printf 'unseen\\n'
  exit 0
fi
place=$(real "\${path%/*}")
home=away
[ "$(real "$HOME/.local/bin")" = "$place" ] && home=home
first=$(command -v ${PROGRAM} 2>/dev/null)
case $first in
  /*) if [ "$(real "\${first%/*}")" = "$place" ]; then onpath=here; else onpath=other; fi ;;
  *) onpath=none ;;
esac
if command -v node >/dev/null 2>&1; then node=node; else node=no-node; fi
out=$("$path" --version 2>&1 </dev/null)
code=$?
out=$(printf '%s' "$out" | tr '\\n' ' ' | cut -c 1-300)
printf '%s %s %s %s %s\\n' "$code" "$home" "$onpath" "$node" "$out"
exit 0
}
`,
};
