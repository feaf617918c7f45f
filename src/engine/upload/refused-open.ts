import type { CopyError } from '../../errors.ts';

/** Whether the server denied the opening of a file for writing. */
export function isRefusedOpen({ code, refused }: CopyError): boolean {
  return refused?.operation === 'open' && (code === 'destination-permission' || code === 'single-writer');
}
