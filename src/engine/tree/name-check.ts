/** Finds the names of a listing that must not be copied: hostile ones, and those that the target cannot keep apart. */
import { CopyError } from '../../errors.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { EntryList } from './entry-list.ts';

export interface NameRules {
  /** Whether a name may be listed twice: a local file system has no two entries of a name. */
  readonly mayRepeat: boolean;
  /** Why no file of the target's system may have a name; undefined: any name may be used. */
  readonly refuseName: ((name: Buffer) => string | undefined) | undefined;
  /** Whether the target takes names for the same that differ in case only. */
  readonly foldsCase: () => Promise<boolean>;
}

/** What is wrong with the name of an entry; undefined: nothing. */
export type Objections = (index: number) => CopyError | undefined;

/** Looks at all names of a directory. */
export async function checkNames(entries: EntryList, rules: NameRules): Promise<Objections> {
  const { mayRepeat, refuseName, foldsCase } = rules;
  const similar = similarNames(entries);
  const colliding = similar.size > 0 && (await foldsCase()) ? similar : NONE;
  return (index) => {
    const name = entries.name(index);
    if (!mayRepeat && entries.find(name) !== index) {
      const message = `The server lists ${cleanText(name)} twice in one directory.`;
      return new CopyError('protocol', message, { scope: 'file', advice: 'The first of them is copied.' });
    }
    const reason = refuseName?.(name) ?? collision(entries, colliding.get(index));
    if (reason === undefined) return undefined;
    return new CopyError('destination-refused', `${cleanText(name)} cannot be the name of a file here: ${reason}.`, {
      advice: 'Rename it on the other side, or leave it out with --exclude.',
    });
  };
}

const NONE: ReadonlyMap<number, number> = new Map();

/** The entries that have another name than an earlier one only by case, with the earlier one. */
function similarNames(entries: EntryList): ReadonlyMap<number, number> {
  const first = new Map<string, number>();
  const similar = new Map<number, number>();
  for (let index = 0; index < entries.length; index++) {
    const folded = textFromBytes(entries.name(index)).normalize('NFC').toLowerCase();
    const earlier = first.get(folded);
    if (earlier === undefined) first.set(folded, index);
    else if (!entries.name(earlier).equals(entries.name(index))) similar.set(index, earlier);
  }
  return similar;
}

function collision(entries: EntryList, earlier: number | undefined): string | undefined {
  if (earlier === undefined) return undefined;
  return `the file system takes it for the same as ${cleanText(entries.name(earlier))}`;
}
