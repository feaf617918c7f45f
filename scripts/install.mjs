// Brings what the tests and the programs need: npm packages and, on Debian as root, the test servers.
import './require-node.mjs';

import('./lib/install.mjs');
