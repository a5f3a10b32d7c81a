/** Names of images that are read lazily, other than those of folders. */
export const LAZY: RegExp = /\.(nii|hdr|img|mif|mih|mgh|mgz|nrrd|nhdr|mha|mhd|npy|zarr\.zip)(\.gz)?$/i;
/** Names of images that ITK reads, all at once. */
export const ITK: RegExp =
  /\.(aim|bmp|dcm|fdf|gipl(\.gz)?|h5|hdf5|isq|jpe?g|lsm|mnc2?|mrc|pic|png|tiff?|vtk)$/i;
