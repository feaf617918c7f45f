import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `line` from 0. The bundler writes the name of each module above its code. */
export function moduleInBundle(bundle: string, line: number): string | undefined {
  const above = bundle.split('\n', line + 1).findLast((text) => /^\/\/ \S+\.ts$/.test(text));
  return above?.slice('// '.length);
}

/**
 * What a file is called in a profile: `node:fs`, `ssh2/lib/client.js`, `src/engine/schedule/grid.ts`. No path of the
 * machine's; the empty string for what has no file.
 */
export class ModuleNames {
  readonly #read: (path: string) => string;
  readonly #bundles = new Map<string, string>();

  constructor(read: (path: string) => string = (path) => readFileSync(path, 'utf8')) {
    this.#read = read;
  }

  of(url: string, line: number): string {
    if (url === '' || url.startsWith('node:')) return url;
    const [, dependency] = /.*node_modules\/(.+)$/.exec(url) ?? [];
    if (dependency !== undefined) return dependency;
    if (!/\/dist\/.+\.js$/.test(url)) return 'elsewhere';
    return moduleInBundle(this.#bundle(url), line) ?? 'bundle';
  }

  #bundle(url: string): string {
    const path = url.startsWith('file:') ? fileURLToPath(url) : url;
    const text = this.#bundles.get(path) ?? this.#read(path);
    this.#bundles.set(path, text);
    return text;
  }
}
