// npm run bench -- delta: a file that changed in a few places, over an older version of it, in both directions.
import { benchMain } from './support/bench-main.ts';
import { measureDelta } from './support/scenes/delta.ts';

await benchMain(measureDelta);
