// Preloaded into a program of which a test need not wait that it looks a second time at what somebody may be writing:
// the three seconds in between become a tenth. Nothing else of it waits for three seconds this way.
const timers = require('node:timers/promises');
const { setTimeout } = timers;
timers.setTimeout = (delayMs, ...others) => setTimeout(delayMs === 3000 ? 300 : delayMs, ...others);
require('node:module').syncBuiltinESMExports();
