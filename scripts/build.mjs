// npm run build: the package; with --dev what tests, demo and benches run.
import './require-node.mjs';

import('./lib/build.mjs');
