/** Packages that open a format, by the extensions it has: what to suggest when no registered backend does. */
const PACKAGES: readonly (readonly [package_: string, ...extensions: string[]])[] = [
  ["@lazyimg/backend-nifti", ".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz"],
  ["@lazyimg/backend-zarr", ".zarr", ".zarr.zip"],
];

/** The package to install for a file of this name, if one is known. */
export function knownPackage(name: string | undefined): string | undefined {
  const lower = name?.toLowerCase();
  return PACKAGES.find(([, ...extensions]) =>
    extensions.some((extension) => lower?.endsWith(extension)),
  )?.[0];
}
