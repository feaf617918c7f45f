// npm start: the demo; npm start -- ARGUMENTS: mtput with them. Brings and builds what is missing first.
import './require-node.mjs';

import('./lib/start.mjs');
