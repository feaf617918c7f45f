/**
 * No class has more fields than a reader can keep in mind. A class that has more of them holds several concepts, each
 * with its own state, and is to be split.
 */
import ts from 'typescript';
import { expect, test } from 'vitest';
import { parse, sourceFiles, sourceText } from '../support/source-files.ts';

const MAX_FIELDS = 12;

interface Class {
  readonly file: string;
  readonly name: string;
  /** The names of the fields that each instance has. */
  readonly fields: readonly string[];
}

function isStatic(member: ts.PropertyDeclaration): boolean {
  return member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) ?? false;
}

function fieldsOf(node: ts.ClassLikeDeclaration): string[] {
  return node.members.flatMap((member) => {
    if (ts.isPropertyDeclaration(member)) return isStatic(member) ? [] : [member.name.getText()];
    if (!ts.isConstructorDeclaration(member)) return [];
    // A parameter with a modifier is a field.
    const { parameters } = member;
    return parameters.filter((one) => ts.isParameterPropertyDeclaration(one, member)).map(({ name }) => name.getText());
  });
}

function classesOf(file: string, text: string): Class[] {
  const found: Class[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isClassLike(node)) found.push({ file, name: node.name?.text ?? 'a class', fields: fieldsOf(node) });
    ts.forEachChild(node, visit);
  };
  visit(parse(file, text));
  return found;
}

test(`no class has more than ${MAX_FIELDS} fields`, () => {
  const classes = sourceFiles.flatMap((file) => classesOf(file, sourceText(file)));
  expect(classes.length).toBeGreaterThan(100);
  const large = classes.filter(({ fields }) => fields.length > MAX_FIELDS);
  expect(large.map(({ file, name, fields }) => `${file}: ${name} has ${fields.length} fields`)).toEqual([]);
});

test('all that an instance holds counts, wherever the class is, and nothing else', () => {
  const text = `
    class A<T> {
      static count = 0;
      static #cache = new Map();
      readonly a: T;
      #b = 1;
      private c?: string;
      readonly #d = (): void => {};
      accessor e = 1;
      constructor(readonly f: number, private g = 2, h = 3) {}
      get i(): number { return this.#b; }
      set i(value: number) { this.#b = value; }
      #j(): void {}
      k(): unknown {
        return class { #l = 1; };
      }
    }`;
  expect(classesOf('a.ts', text)).toEqual([
    { file: 'a.ts', name: 'A', fields: ['a', '#b', 'c', '#d', 'e', 'f', 'g'] },
    { file: 'a.ts', name: 'a class', fields: ['#l'] },
  ]);
});
