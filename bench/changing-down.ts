// npm run bench -- changing-down: lines that become longer, shorter, uneven or crowded while a file is sent, for
// downloads.
import { benchMain } from './support/bench-main.ts';
import { measureChanging } from './support/scenes/changing.ts';

await benchMain(() => measureChanging('down'));
