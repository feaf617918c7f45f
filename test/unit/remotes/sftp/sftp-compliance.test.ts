import { describe } from 'vitest';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';
import { complianceOfRemote } from '../remote-compliance.ts';

describe.each<[string, Partial<Quirks>]>([
  ['one that has everything', {}],
  ['one without fsync', { fsync: false }],
])('%s', (_, quirks) => {
  complianceOfRemote(async () => {
    const server = new StandInSftpServer(quirks);
    server.put('/home', '', { kind: 'directory', mode: 0o755 });
    return { connection: await server.connection(), directory: '/home' };
  });
});
