// npm run bench -- shaped-ways: a line that is slow for each connection, by the ssh of the system and over a jump host.
import { benchMain } from './support/bench-main.ts';
import { measureShapedWays } from './support/scenes/shaped.ts';

await benchMain(measureShapedWays);
