/** The first import of the library: an import that fails says why. */
import { unsupportedNode } from './unsupported-node.ts';

const problem = unsupportedNode('mt-copy-tools');
if (problem !== undefined) throw new Error(problem);
