// npm run bench -- memory-down: what many connections cost, for downloads.
import { benchMain } from './support/bench-main.ts';
import { measureMemory } from './support/scenes/memory.ts';

await benchMain(() => measureMemory('down'));
