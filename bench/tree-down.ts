// npm run bench -- tree-down: a tree of files of all sizes, and nothing is slow but the processor, for downloads.
import { benchMain } from './support/bench-main.ts';
import { measureTree } from './support/scenes/tree.ts';

await benchMain(() => measureTree('down'));
