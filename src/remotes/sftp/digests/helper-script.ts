/** What `/bin/sh` is given on its input to become the helper, or to run it. */
import { PROGRAM, SERVES } from '../../../helper/framing.ts';
import type { ShellScript } from './shell-session.ts';

export type HelperKind = 'serve' | 'classic' | 'none';

/**
 * Looks for the program on PATH, then in ~/.local/bin; one that serves is taken before one that does not. The kind stands
 * behind the marker. Then the shell either becomes the program, or reads requests `ALGO OFFSET LENGTH PATH`, the path
 * as `escapedPath` writes it, and answers each with the exit code and what was printed: `-` if that is no digest
 * alone. The first program of that name complains about a file that ends early, prints a digest all the same and exits
 * with 0: so what it says to stderr counts as printed.
 *
 * A path is only ever a variable in quotes.
 */
export const HELPER_SCRIPT: ShellScript = {
  marker: 'mt-copy-helper ',
  text: `{
LC_ALL=C
export LC_ALL
serving=
classic=
for p in "$(command -v ${PROGRAM} 2>/dev/null)" "$HOME/.local/bin/${PROGRAM}"; do
  case $p in /*) ;; *) continue ;; esac
  [ -f "$p" ] && [ -x "$p" ] || continue
  case $("$p" --version </dev/null 2>/dev/null) in
    '${PROGRAM} '*' ${SERVES}') serving=$p; break ;;
  esac
  if [ -z "$classic" ] && "$p" -h </dev/null >/dev/null 2>&1; then classic=$p; fi
done
if [ -n "$serving" ]; then
  printf '\\nmt-copy-%s\\n' 'helper serve'
  exec "$serving" --serve
fi
if [ -z "$classic" ]; then
  printf '\\nmt-copy-%s\\n' 'helper none'
  exit 0
fi
printf '\\nmt-copy-%s\\n' 'helper classic'
while read -r algorithm offset length escaped; do
  path=$(printf '%b.' "$escaped")
  path=\${path%.}
  out=$("$classic" -m "$algorithm" -f "$path" -s "$offset" -l "$length" 2>&1 </dev/null)
  code=$?
  case $out in ''|*[!0-9a-f]*) out=- ;; esac
  printf '%s %s\\n' "$code" "$out" || exit 1
done
exit 0
}
`,
};
