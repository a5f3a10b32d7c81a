"""Opens NIfTI-Zarr directories that lazyimg wrote with niizarr, zarr-python and ome-zarr's validator.

    python tools/oracle/check_zarr.py DIRECTORY make     # images as .nii, by nibabel
    node tools/oracle/zarr_written.mjs DIRECTORY         # each of them as .nii.zarr, in many ways
    python tools/oracle/check_zarr.py DIRECTORY

DIRECTORY holds pairs NAME.nii and NAME.*.nii.zarr. Voxels (scaled and stored), the affine of every level and the header
must be what nibabel reads from the .nii; coarser levels must be the mean or mode of blocks of the finer one.
"""

import io
import json
import sys
import warnings
from pathlib import Path

import nibabel as nib
import niizarr
import numpy as np
import zarr

warnings.filterwarnings("ignore")


def blocks(fine, coarse_shape, factor):
    """The voxels of each block along a last axis, NaN-padded where the block is cut."""
    pads = [(0, c * f - s) for s, c, f in zip(fine.shape, coarse_shape, factor)]
    padded = np.pad(np.asarray(fine, float), pads, constant_values=np.nan)
    split = padded.reshape([n for c, f in zip(coarse_shape, factor) for n in (c, f)])
    order = [*range(0, split.ndim, 2), *range(1, split.ndim, 2)]
    return split.transpose(order).reshape(*coarse_shape, -1)


def check_level(fine, coarse, kind):
    factor = [1 if f == c else 2 for f, c in zip(fine.shape, coarse.shape)]
    assert all(c == -(-f // n) for f, c, n in zip(fine.shape, coarse.shape, factor)), (fine.shape, coarse.shape)
    if fine.dtype.names or fine.dtype.kind == "c":
        return
    values = blocks(fine, coarse.shape, factor)
    if kind == "local mean":
        mean = np.nanmean(values, axis=-1)
        if fine.dtype.kind in "iu":
            mean = np.rint(mean)
        np.testing.assert_allclose(coarse, mean, rtol=1e-6)
        return
    flat, wanted = values.reshape(-1, values.shape[-1]), np.asarray(coarse, float).ravel()
    for row, found in zip(flat, wanted):
        row = row[~np.isnan(row)]
        unique, counts = np.unique(row, return_counts=True)
        assert found == unique[np.argmax(counts)], (row, found)


def physical(dataset):
    scale, translation = (t for t in dataset["coordinateTransformations"])
    matrix = np.diag([*scale["scale"][:-4:-1], 1.0])
    matrix[:3, 3] = translation["translation"][:-4:-1]
    return matrix


def validate(path, version):
    if version == "0.5":
        from ome_zarr_models.v05.image import Image
    else:
        from ome_zarr_models.v04.image import Image
    Image.from_zarr(zarr.open_group(str(path), mode="r"))


def check(source, path):
    """One image and what was made of it."""
    original = nib.load(source)
    group = zarr.open_group(str(path), mode="r")
    attributes = dict(group.attrs)
    ome = attributes.get("ome", attributes)
    multiscales = ome["multiscales"][0]
    read = niizarr.zarr2nii(str(path))
    raw = np.asarray(original.dataobj.get_unscaled())
    found = np.asarray(read.dataobj)
    native = raw if raw.dtype.names else raw.astype(raw.dtype.newbyteorder("="))  # v3 types have no byte order
    found = found if raw.dtype.names else found.astype(found.dtype.newbyteorder("="))
    if raw.dtype.names:
        native = native.view(("u1", len(raw.dtype.names)))
        found = np.ascontiguousarray(found).view(("u1", len(found.dtype.names)))
    assert found.dtype == native.dtype, (found.dtype, native.dtype)
    assert found.tobytes() == native.tobytes(), "voxels"
    header, own = original.header, type(original.header).from_fileobj(io.BytesIO(np.asarray(group["nifti"]).tobytes()), check=False)
    np.testing.assert_array_equal(own.get_best_affine(), original.affine)
    for field in header.keys():
        if field in ("vox_offset", "scl_slope", "scl_inter"):
            continue
        assert header[field].tobytes() == own[field].tobytes(), (field, header[field], own[field])
    slope = (original.dataobj.slope, original.dataobj.inter)
    stated = (float(own["scl_slope"]), float(own["scl_inter"]))
    assert slope == stated or (slope == (1.0, 0.0) and (stated[0] == 0 or not np.isfinite(stated[0]))), (slope, stated)
    datasets = multiscales["datasets"]
    for n in range(1, len(datasets)):
        check_level(np.asarray(group[str(n - 1)]), np.asarray(group[str(n)]), multiscales["type"])
    affines = [
        (original.affine @ np.linalg.inv(physical(datasets[0])) @ physical(d)).ravel().tolist() for d in datasets
    ]
    stated = path.with_suffix(".affines.json")
    if stated.exists():
        np.testing.assert_allclose(json.loads(stated.read_text()), affines, rtol=1e-12, atol=1e-9)
    validate(path, "0.5" if "ome" in attributes else "0.4")


def make(directory):
    """Small images of every kind that NIfTI has, with an oblique affine."""
    directory.mkdir(parents=True, exist_ok=True)
    affine = np.array([[-2, 0.1, 0, 90], [0.1, 2.5, -0.2, -126], [0, 0.3, 3, -72], [0, 0, 0, 1.0]])
    rng = np.random.default_rng(0)
    shape = (37, 22, 19)
    colours = np.zeros(shape, dtype=[(name, "u1") for name in "RGB"])
    colours["R"] = rng.integers(0, 255, shape)
    noise = rng.normal(size=shape)
    images = {
        "int16": rng.integers(-999, 999, shape).astype("<i2"),
        "big": rng.integers(-999, 999, shape).astype(">i2"),
        "float32": noise.astype("<f4"),
        "times": rng.integers(0, 5, (*shape, 3)).astype("u1"),
        "vector": rng.normal(size=(*shape, 1, 3)),
        "complex": (noise + 1j).astype("<c8"),
        "int64": rng.integers(-(2**40), 2**40, shape),
        "scaled": rng.integers(-999, 999, shape).astype("<i2"),
        "rgb": colours,
    }
    for name, data in images.items():
        kind = nib.Nifti2Image if name == "int64" else nib.Nifti1Image
        header = kind.header_class(endianness=">" if name == "big" else "<")
        header.set_data_dtype(data.dtype)
        image = kind(data, affine, header)
        image.header.set_data_dtype(data.dtype)
        image.header.set_xyzt_units("mm", "sec")
        image.set_qform(affine, 1)
        image.set_sform(affine, 1)
        image.header["descrip"] = b"made for lazyimg"
        image.header.set_zooms((*image.header.get_zooms()[:3], *(1.5,) * (data.ndim - 3)))
        if name == "scaled":
            image.header.set_slope_inter(0.5, 3)
        nib.save(image, directory / f"{name}.nii")


def main():
    directory = Path(sys.argv[1])
    if sys.argv[2:] == ["make"]:
        make(directory)
        return
    paths = sorted(directory.glob("*.nii.zarr"))
    assert paths, f"nothing in {directory}"
    for path in paths:
        try:
            check(directory / f"{path.name.split('.')[0]}.nii", path)
        except Exception as error:
            print(f"{path.name}: {type(error).__name__}: {error}")
            raise SystemExit(1)
        print("ok", path.name)


main()
