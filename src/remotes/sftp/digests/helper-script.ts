/** The script that `/bin/sh` on the server reads to find the helper, and to become it or run it. */
import { PROGRAM, SERVES } from '../../../helper/framing.ts';
import type { ShellScript } from './shell-session.ts';

export type HelperKind = 'serve' | 'classic' | 'none';

/**
 * Looks for the program on PATH, then in ~/.local/bin, and prefers one that supports `--serve`. The kind follows the
 * marker:
 *
 * - `serve`: the shell becomes the program.
 * - `classic`: the program has to be started for each request. The shell reads requests `ALGO OFFSET LENGTH PATH`, with
 *   the path in the notation of `escapedPath`, and answers each with the exit code and the output, or `-` where the
 *   output is anything but a digest. The first program of this name prints a complaint about a file that ends early,
 *   then a digest all the same, and exits with 0; therefore the output includes stderr.
 * - `none`: there is no such program.
 *
 * Paths occur only as quoted variables, so that the shell never interprets them.
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
