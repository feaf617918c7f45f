#!/usr/bin/env node
/** The program `mtget`. It loads the rest only where Node can run it; see unsupported-node.ts. */
import { unsupportedNode } from '../util/unsupported-node.ts';

const problem = unsupportedNode('mtget');
if (problem === undefined) {
  void import('./start-program.ts').then(({ startProgram }) => startProgram('mtget'));
} else {
  process.stderr.write(`${problem}\n`);
  // The exit code of usage errors: the command cannot be run like this, and nothing was tried.
  process.exitCode = 2;
}
