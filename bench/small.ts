// npm run bench -- small: a tree of small files over a line of 40 ms round trip.
import { benchMain } from './support/bench-main.ts';
import { measureSmall } from './support/scenes/small.ts';

await benchMain(() => measureSmall('up'));
