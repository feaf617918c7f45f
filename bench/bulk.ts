// npm run bench -- bulk: nothing is slow but the processor.
import { benchMain } from './support/bench-main.ts';
import { measureBulk } from './support/scenes/bulk.ts';

await benchMain(() => measureBulk('up'));
