// npm run bench -- long-down: a line of 100 ms round trip, as wide as one likes, for downloads.
import { benchMain } from './support/bench-main.ts';
import { measureLong } from './support/scenes/long.ts';

await benchMain(() => measureLong('down'));
