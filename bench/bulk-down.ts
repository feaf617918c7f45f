// npm run bench -- bulk-down: nothing is slow but the processor, for downloads.
import { benchMain } from './support/bench-main.ts';
import { measureBulk } from './support/scenes/bulk.ts';

await benchMain(() => measureBulk('down'));
