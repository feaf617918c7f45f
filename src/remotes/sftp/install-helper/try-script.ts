/** What `/bin/sh` is given on its input to run the helper once. */
import { PROGRAM } from '../../../helper/framing.ts';
import type { ShellScript } from '../digests/shell-session.ts';

/**
 * Reads the path of the program, as `escapedPath` writes it, and answers with one line: `unseen`, where the shell has no
 * such file; else `CODE HOME PATH NODE TEXT`: the exit code of `--version`; `home` where it stands in the ~/.local/bin of
 * the shell, else `away`; whether PATH leads to it (`here`), to another one (`other`) or to `none`; whether there is a
 * `node`, else `no-node`; and what was printed, newlines as blanks.
 *
 * A path is only ever a variable in quotes.
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
