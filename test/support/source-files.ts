/** The sources of the program, as the tests of its structure read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repoRoot } from './repo-root.ts';

const root = join(repoRoot, 'src');

/** Paths below src/, sorted. */
export const sourceFiles: readonly string[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split('\\').join('/'))
  .filter((path) => path.endsWith('.ts'))
  .sort();

export function sourceText(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

export function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}
