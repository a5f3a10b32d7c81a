/**
 * Takes fflate's place in the command's bundle. nifti-reader-js imports it for inflating whole files, which is not what
 * it is used for here, and fflate's tables take a tenth of the time in which the command starts.
 */
export function decompressSync(): never {
  throw new Error("Not in this bundle: gzip is read by @lazyimg/seekable-gzip");
}
