"""Compares files that lazyimg wrote with the golden files they were copied from, both read by nibabel."""

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np

HEADER_FIELDS = (
    "dim_info", "intent_p1", "intent_p2", "intent_p3", "intent_code", "slice_start", "slice_end", "slice_code",
    "slice_duration", "xyzt_units", "cal_max", "cal_min", "toffset", "descrip", "aux_file", "intent_name",
    "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
)  # fmt: skip


# nibabel opens no pair of which one half is gzipped; FreeSurfer's base affine is written as sform, which has codes;
# int64 beyond float64's range becomes long double in nibabel, which no other language has.
SKIPPED = ("layout/pair-half-gz.hdr", "layout/freesurfer-base.nii", "scaling/overflow.int64.n2.nii")


def as_numbers(image) -> np.ndarray:
    """The scaled voxels; colours as a last axis."""
    if image.get_data_dtype().fields:  # which nibabel cannot scale, and NIfTI does not
        data = image.dataobj.get_unscaled()
        return np.stack([data[name] for name in data.dtype.names], axis=-1)
    return np.asanyarray(image.dataobj)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal in shape and every value, NaN being equal to NaN."""
    return a.shape == b.shape and bool(np.all((a == b) | ((a != a) & (b != b))))


def differences(original, copy, kind: str) -> list[str]:
    """What is wrong with a copy."""
    found = []
    voxels, copied = as_numbers(original), as_numbers(copy)
    # A FreeSurfer surface has another shape in its header than in memory; everything else is copied axis by axis.
    if kind == "crop":
        shape = original.shape
        grid = voxels.reshape(*shape, *[1] * (3 - len(shape)), *voxels.shape[len(shape) :])
        voxels = grid[::-1, 0:2, 0::2]
        copied = copied.reshape(voxels.shape)
        affine = original.header.get_best_affine() @ step_affine(grid.shape)
        if not np.allclose(copy.affine, affine, rtol=1e-6, atol=1e-4):
            found.append(f"affine {copy.affine.tolist()} is not {affine.tolist()}")
    elif not np.array_equal(copy.affine, original.affine, equal_nan=True):
        found.append(f"affine {copy.affine.tolist()} is not {original.affine.tolist()}")
    if not same(voxels, copied):
        found.append(f"voxels differ: {voxels.dtype} {voxels.shape}, {copied.dtype} {copied.shape}")
    if kind == "copy":
        if original.get_data_dtype().newbyteorder("=") != copy.get_data_dtype().newbyteorder("="):
            found.append(f"dtype {copy.get_data_dtype()}")
        for field in HEADER_FIELDS:
            before, after = original.header[field], copy.header[field]
            if before.dtype.kind == "S":  # text ends at its first NUL
                before, after = (np.array(value.item().split(b"\0")[0]) for value in (before, after))
            if not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
                found.append(f"{field} {after} is not {before}")
        if [e.content for e in original.header.extensions] != [e.content for e in copy.header.extensions]:
            found.append("extensions differ")
    return found


def step_affine(shape) -> np.ndarray:
    """Voxels of the crop to voxels of its source."""
    step = np.eye(4)
    step[0, 0], step[0, 3] = (-1, shape[0] - 1) if shape[0] > 1 else (1, 0)
    step[2, 2] = 2 if shape[2] > 2 else 1
    return step


def check(folder: Path, golden: Path) -> tuple[int, int]:
    """Compares all copies in `folder`; counts those that are right and those that are not."""
    passed = failed = 0
    for path in sorted(folder.glob("*__*__*.nii*")):
        *name, kind = path.name.split("__")
        if "/".join(name) in SKIPPED:
            continue
        original = golden / "nifti" / "/".join(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = differences(nib.load(original), nib.load(path), kind.split(".")[0])
        if found:
            failed += 1
            print(f"FAIL {path.name}: {'; '.join(found)}")
        else:
            passed += 1
    return passed, failed
