import { Wildcard } from './wildcard.ts';

/** One component of a path: the name itself, or a pattern of names. */
export type GlobComponent = string | NamePattern;

/** A pattern of the names in one directory. As in shells, it matches hidden ones only if it begins with a dot itself. */
export class NamePattern {
  readonly #wildcard: Wildcard;
  readonly #matchesHidden: boolean;

  constructor(wildcard: Wildcard) {
    this.#wildcard = wildcard;
    this.#matchesHidden = wildcard.beginsWith('.');
  }

  matches(name: string): boolean {
    return (this.#matchesHidden || !name.startsWith('.')) && this.#wildcard.matches(name);
  }
}

/** The components of a path without braces. They are empty before the first slash of an absolute path, and between two. */
export function componentsOf(path: string): GlobComponent[] {
  return splitAtSlashes(path).map((text) => {
    const wildcard = new Wildcard(text, 'is ordinary');
    return wildcard.literal ?? new NamePattern(wildcard);
  });
}

/** A slash always separates components: a backslash before it has no meaning, and a set cannot contain it. */
function splitAtSlashes(path: string): string[] {
  const components: string[] = [];
  let component = '';
  for (let at = 0; at < path.length; at++) {
    const character = path[at]!;
    if (character === '/') {
      components.push(component);
      component = '';
    } else if (character === '\\' && at + 1 < path.length) {
      if (path[at + 1] !== '/') component += character + path[++at]!;
    } else {
      component += character;
    }
  }
  return [...components, component];
}
