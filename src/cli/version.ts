import { readFileSync } from 'node:fs';

/** The version in the package's own package.json, looked for upwards from this module; `unknown` if there is none. */
export function packageVersion(from: string = import.meta.url): string {
  for (let folder = new URL('./', from), up = 0; up < 6; folder = new URL('../', folder), up++) {
    try {
      const found: { name?: unknown; version?: unknown } = JSON.parse(
        readFileSync(new URL('package.json', folder), 'utf8'),
      );
      if (found.name === 'mt-copy-tools' && typeof found.version === 'string') return found.version;
    } catch {
      // Not here: one further up.
    }
  }
  return 'unknown';
}
