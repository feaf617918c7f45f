import { MemoryRemote } from '../../support/memory-remote.ts';
import { complianceOfRemote } from './remote-compliance.ts';

complianceOfRemote(async () => ({
  connection: await new MemoryRemote().connect(1, new AbortController().signal),
  directory: '/home',
}));
