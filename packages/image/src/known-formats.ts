/** Packages that open a format, by the names of its files: what to suggest when no registered backend does. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  "backend-nifti": /\.(nii|hdr|img)(\.gz)?$/i,
  "backend-zarr": /\.zarr(\.zip)?$/i,
  "backend-mgh": /\.mg(z|h(\.gz)?)$/i,
  "backend-nrrd": /\.n(rrd|hdr)$/i,
  "backend-metaimage": /\.mh[ad]$/i,
  "backend-npy": /\.npy$/i,
  "backend-mif": /\.mi(f(\.gz)?|h)$/i,
  "reader-itk": /\.(aim|bmp|dcm|fdf|h(df)?5|isq|jpe?g|lsm|mnc2?|mrc|pic|png|tiff?|vtk|gipl(\.gz)?)$/i,
};

/** The package to install for a file of this name, if one is known. */
export function knownPackage(name: string | undefined): string | undefined {
  const folder = Object.keys(PACKAGES).find((folder) => PACKAGES[folder]!.test(name ?? ""));
  return folder && `@lazyimg/${folder}`;
}
