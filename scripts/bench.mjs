// npm run bench -- SCENE [ARGUMENTS]: builds and runs bench/SCENE.ts.
import './require-node.mjs';

import('./lib/bench.mjs');
