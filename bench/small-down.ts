// npm run bench -- small-down: a tree of small files over a line of 40 ms round trip, for downloads.
import { benchMain } from './support/bench-main.ts';
import { measureSmall } from './support/scenes/small.ts';

await benchMain(() => measureSmall('down'));
