// npm test [-- VITEST ARGUMENTS]; --unit: unit and property tests; --full: everything; --soak: the long ones.
import './require-node.mjs';

import('./lib/test.mjs');
