/** The first import of the library. Where Node is too old, the import fails with a message that says so. */
import { unsupportedNode } from './unsupported-node.ts';

const problem = unsupportedNode('mt-copy-tools');
if (problem !== undefined) throw new Error(problem);
