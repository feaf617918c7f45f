// npm run bench -- shaped-down: a line that is slow for each connection, and lets one open as many as one likes, for
// downloads.
import { benchMain } from './support/bench-main.ts';
import { measureShaped } from './support/scenes/shaped.ts';

await benchMain(() => measureShaped('down'));
