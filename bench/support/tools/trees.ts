// Programs of others, as they copy trees.
import { lftp } from './lftp.ts';
import { scp, sftp } from './openssh.ts';
import { rclone } from './rclone.ts';
import { rsync } from './rsync.ts';
import type { Tool } from './tool.ts';

const RCLONE_TRANSFERS = 16;
const LFTP_PARALLEL = 10;

export function rsyncTree(): Tool {
  return { ...rsync(), label: 'rsync -a' };
}

export function rcloneTree(): Tool {
  return { ...rclone({ streams: RCLONE_TRANSFERS }), label: `rclone --transfers ${RCLONE_TRANSFERS}` };
}

export function lftpTree(): Tool {
  return { ...lftp({ connections: LFTP_PARALLEL }), label: `lftp mirror --parallel=${LFTP_PARALLEL}` };
}

export function sftpTree(): Tool {
  return { ...sftp(), label: 'sftp -r' };
}

export function scpTree(): Tool {
  return { ...scp(), label: 'scp -r' };
}
