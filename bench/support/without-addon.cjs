// A preload for node: ssh2's native addon is as absent as where npm was not allowed to run install scripts.
const { extensions } = require;
const load = extensions['.node'];

extensions['.node'] = (module, path) => {
  if (path.endsWith('sshcrypto.node')) throw new Error('This run does without the native addon');
  load(module, path);
};
