// npm run bench -- tree: a tree of files of all sizes, and nothing is slow but the processor.
import { benchMain } from './support/bench-main.ts';
import { measureTree } from './support/scenes/tree.ts';

await benchMain(() => measureTree('up'));
