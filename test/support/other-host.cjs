// Preloaded into a program that is to believe that it runs on another machine.
const os = require('node:os');
os.hostname = () => process.env.TEST_HOST_NAME;
require('node:module').syncBuiltinESMExports();
