// Ends the program where Node is older than package.json demands. It is the first import of every script, and both it
// and the scripts are written for Node 12, so that an old Node gets as far as the message.
const parts = process.versions.node.split('.').map(Number);

if (parts[0] < 20 || (parts[0] === 20 && parts[1] < 19)) {
  process.stderr.write(`mt-copy-tools needs Node 20.19 or later, this is ${process.versions.node}.\n`);
  process.exit(2);
}
