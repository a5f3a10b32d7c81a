"""A `.nii` as NIfTI-Zarr of one level: `python make_zarr.py NII OUT CODEC`, of Zarr v2, which every peer reads.

nifti-zarr writes it, in chunks of 64 x 64 x 64, or of one volume where those are smaller. It knows blosc alone of the codecs;
zarr-python compresses the voxels once more where another is wanted.
"""

import sys

import niizarr
import numcodecs
import zarr

CODECS = {"zstd": numcodecs.Zstd(1), "gzip": numcodecs.GZip(5)}

nii, out, codec = sys.argv[1:]
blosc = {"cname": "lz4", "clevel": 5, "shuffle": 1}
niizarr.nii2zarr(nii, out, nb_levels=1, zarr_version=2, compressor_options=blosc)
if codec in CODECS:
    group = zarr.open_group(out, mode="r+")
    old = group["0"]
    voxels = old[:]
    separator = {"name": "v2", "separator": "/"}
    group.create_array(
        "0",
        overwrite=True,
        shape=old.shape,
        chunks=old.chunks,
        dtype=old.dtype,
        compressors=CODECS[codec],
        chunk_key_encoding=separator,
    )[:] = voxels
