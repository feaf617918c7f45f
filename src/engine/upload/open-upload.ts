/** Chooses the job of one file of an upload. */
import { type LocalSource, openSource } from '../local/local-source.ts';
import type { RunningJob } from '../transfer/direction.ts';
import { FileJob } from '../transfer/file-job.ts';
import { UnopenedJob } from '../transfer/taskless-job.ts';
import { StreamJob } from './stream/stream-job.ts';
import { UploadFile } from './upload-file.ts';
import type { UploadServices } from './upload-options.ts';
import type { UploadPlan } from './upload-plan.ts';

/**
 * Opens the job of one file. A source whose size says nothing about its length is sent as a stream. If the source
 * cannot be opened, the returned job fails with the reason. `number`: of the file job, from 1.
 */
export async function openUpload(number: number, plan: UploadPlan, services: UploadServices): Promise<RunningJob> {
  let source: LocalSource;
  try {
    source = await openSource(plan.path);
  } catch (error) {
    return new UnopenedJob(error);
  }
  if (!source.isStream)
    return new FileJob(number, services, (job) => new UploadFile(number, services, job, plan, source));
  await source.close();
  return new StreamJob(services, plan, source.size);
}
