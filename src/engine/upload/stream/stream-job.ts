/**
 * The job of a source whose size says nothing about its length. One connection sends it from its beginning to its end,
 * so that no task of it goes through the scheduler.
 */
import type { CopyError } from '../../../errors.ts';
import type { Examined, FileResult } from '../../transfer/direction.ts';
import { TasklessJob } from '../../transfer/taskless-job.ts';
import { examineFailure } from '../failures/examine-failure.ts';
import type { UploadServices } from '../upload-options.ts';
import type { UploadPlan } from '../upload-plan.ts';
import { StreamUpload } from './stream-upload.ts';

export class StreamJob extends TasklessJob {
  readonly isStream = true;
  readonly #services: UploadServices;
  readonly #plan: UploadPlan;
  readonly #size: number;
  readonly #upload: StreamUpload;

  /** `size`: the size that the file system reports, bytes. */
  constructor(services: UploadServices, plan: UploadPlan, size: number) {
    super();
    this.#services = services;
    this.#plan = plan;
    this.#size = size;
    this.#upload = new StreamUpload(services, plan);
  }

  get bytesAcknowledged(): number {
    return this.#upload.bytesAcknowledged;
  }

  run(): Promise<FileResult> {
    return this.#upload.run();
  }

  examine(failure: CopyError): Promise<Examined> {
    const { access, upload } = this.#services;
    const { path, old } = this.#plan.target;
    const nothingKept = { token: undefined, isContinuable: false, partial: 'left', keptWithin: () => 0 } as const;
    const { inplace } = upload;
    // Of a partial file, nothing is kept.
    const bytesThere = inplace ? this.#upload.bytesAcknowledged : 0;
    const job = { ...nothingKept, target: path, size: this.#size, bytesThere, inplace, oldSize: old?.size };
    return examineFailure(access, job, failure);
  }
}
