// npm run bench -- changing: lines that become longer, shorter, uneven or crowded while a file is sent.
import { benchMain } from './support/bench-main.ts';
import { measureChanging } from './support/scenes/changing.ts';

await benchMain(() => measureChanging('up'));
