// npm run bench -- memory: what many connections cost.
import { benchMain } from './support/bench-main.ts';
import { measureMemory } from './support/scenes/memory.ts';

await benchMain(() => measureMemory('up'));
