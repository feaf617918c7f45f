/** What a remote in memory does wrong: plain data, so that another thread can be given the same remote. */
import type { CopyErrorData } from '../../src/errors.ts';
import type { Abilities, DigestMethod } from '../../src/remotes/remote.ts';

export interface MemoryFaults {
  writers: Abilities['writers'];
  durable: Abilities['durable'];
  smallestCut: Abilities['smallestCut'];
  /** What the probe finds. */
  probe: 'many' | 'one' | 'one, data lost';
  /** By connection: how its next attempts to connect fail. */
  failConnect: Record<number, CopyErrorData[]>;
  /** Connections whose dialling takes for ever. */
  hangConnect: number[];
  /** By connection: after how many acknowledged and received bytes its next openings are lost. */
  loseAfter: Record<number, number[]>;
  /** Connections that may not join. */
  refuseJoin: number[];
  /** Connections that may not read. */
  refuseRead: number[];
  /** Connections whose closing of a file fails. */
  failClose: number[];
  /** Closing takes some time, in which everything that is asked fails already. */
  slowClose: boolean;
  /** Bytes are taken and not acknowledged, or asked for and not given, until `release` is called. */
  holdAcknowledgements: boolean;
  /** How many renames do happen, but their answer is lost with the connection. */
  loseRenameAnswers: number;
  /** Whether it can copy what is staged. */
  copiesFiles: boolean;
  /** Bytes that are free, as it tells; undefined: it does not. */
  freeSpace: number | undefined;
  /** The ways to have it hash. */
  digestMethods: DigestMethod[];
  /** What the size of a target is told to be. */
  sizeLie: number | undefined;
  /** Where files end for those who read them, whatever their size is told to be. */
  endAt: number;
  /** Longest slice. */
  sliceLength: number;
  /** Most that is given at once of a slice that is read. */
  answerLength: number;
  /** Slices in flight in one call. */
  depth: number;
}

export const NO_FAULTS: MemoryFaults = {
  writers: 'many',
  durable: 'synced',
  smallestCut: 64 * 1024,
  probe: 'many',
  failConnect: {},
  hangConnect: [],
  loseAfter: {},
  refuseJoin: [],
  refuseRead: [],
  failClose: [],
  slowClose: false,
  holdAcknowledgements: false,
  loseRenameAnswers: 0,
  copiesFiles: true,
  freeSpace: undefined,
  digestMethods: [],
  sizeLie: undefined,
  endAt: Number.POSITIVE_INFINITY,
  sliceLength: 32 * 1024,
  answerLength: Number.POSITIVE_INFINITY,
  depth: 4,
};
