"""Zarr images made by niizarr and zarr-python, with the values and affines that Python reads from them.

    python tools/oracle/zarr_vectors.py [tests/golden/zarr]

Each image is one zip archive of its directory (stored, not compressed); expected.json holds, by name, the affine of
every level and the hash of its voxels, and by hash the voxels as (C, I, J, K) in C order, base64 of little-endian bytes.
"""

import base64
import gzip
import hashlib
import io
import json
import shutil
import sys
import tempfile
import types
import warnings
import zipfile
from pathlib import Path

import nibabel as nib
import niizarr
import numcodecs
import numpy as np
import zarr
from zarr.codecs import (BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec)

warnings.filterwarnings("ignore")
gzip.time = types.SimpleNamespace(time=lambda: 0)  # gzip writes the time of day into every chunk
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "tests/golden/zarr")
TMP = Path(tempfile.mkdtemp())
images = {}
tensors = {}  # voxels by their hash: many images hold the same


def voxels(shape, dtype, seed=0):
    """Smooth values with a little noise, over the range of the type."""
    rng = np.random.default_rng(seed)
    n = int(np.prod(shape))
    wave = np.sin(np.arange(n) * 0.05).reshape(shape) * 90 + rng.integers(-3, 4, shape)
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        return (wave + 1j * wave[..., ::-1]).astype(dtype)
    if dtype.kind == "u":
        return (wave + 100).astype(dtype)
    if dtype.kind == "b":
        return wave > 0
    if dtype == np.int64:
        return (wave * 2.0**50).astype(dtype) + 1
    return wave.astype(dtype)


def pack(directory, name):
    """The directory as an archive that is the same each time."""
    with zipfile.ZipFile(OUT / f"{name}.zarr.zip", "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(p for p in directory.rglob("*") if p.is_file()):
            info = zipfile.ZipInfo(str(file.relative_to(directory)), (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, file.read_bytes())


def cijk(array):
    """(I, J, K[, T[, C]]) as (C, I, J, K)."""
    array = np.asarray(array)
    if array.dtype.names:
        return np.stack([array[f] for f in array.dtype.names])
    flat = array.reshape(*array.shape[:3], -1, order="F")
    return np.moveaxis(flat, 3, 0)


def encoded(array):
    array = np.ascontiguousarray(array)
    little = array.astype(array.dtype.newbyteorder("<")) if array.dtype.kind != "b" else array.astype("u1")
    entry = {"dtype": str(little.dtype.newbyteorder("=")), "shape": list(array.shape),
             "data": base64.b64encode(little.tobytes()).decode()}
    name = hashlib.sha256(json.dumps(entry).encode()).hexdigest()[:16]
    tensors[name] = entry
    return name


def record(name, raw, affines=None, scaled=None, header=None, source=None):
    images[name] = {"raw": encoded(cijk(raw))}
    if scaled is not None:
        images[name]["scaled"] = encoded(cijk(scaled))
    if affines is not None:
        images[name]["affines"] = [np.asarray(a, float).ravel().tolist() for a in affines]
    if header is not None:
        images[name]["header"] = base64.b64encode(header).decode()
    if source is not None:
        images[name]["affineSource"] = source


# --- niizarr ---------------------------------------------------------------------------------------------------------

AFFINE = np.array([[-2, 0.1, 0, 90], [0.1, 2.5, -0.2, -126], [0, 0.3, 3, -72], [0, 0, 0, 1.0]])


def physical_of(group, level):
    """A level's scale and translation along x, y, z."""
    multiscales = dict(group.attrs).get("ome", dict(group.attrs))["multiscales"][0]
    scale, translation = multiscales["datasets"][level]["coordinateTransformations"]
    matrix = np.diag([*scale["scale"][:-4:-1], 1.0])
    matrix[:3, 3] = translation["translation"][:-4:-1]
    return matrix


def nifti(name, data, klass=nib.Nifti1Image, slope=None, forms="both", endian="<", **options):
    header = klass.header_class(endianness=endian)
    # float16-free types only: what NIfTI has.
    header.set_data_dtype(data.dtype)
    image = klass(data, AFFINE, header)
    image.header.set_data_dtype(data.dtype)
    image.header.set_xyzt_units("mm", "sec")
    if forms == "sform":
        image.set_qform(None, 0)
        image.set_sform(AFFINE, 2)
    elif forms == "qform":
        image.set_sform(None, 0)
        image.set_qform(AFFINE, 1)
    elif forms == "none":
        image.set_sform(None, 0)
        image.set_qform(None, 0)
    else:
        image.set_qform(AFFINE, 1)
        image.set_sform(AFFINE, 1)
    if slope:
        image.header.set_slope_inter(*slope)
    file = TMP / f"{name}.nii"
    if slope:
        # Stored values stay what they are.
        image.header["scl_slope"], image.header["scl_inter"] = slope
        buffer = io.BytesIO()
        image.header["vox_offset"] = image.header.single_vox_offset if hasattr(image.header, "single_vox_offset") else 352
        image.header.write_to(buffer)
        raw = buffer.getvalue()
        raw = raw[:348] + b"\0\0\0\0" + np.asfortranarray(data).tobytes(order="F")
        file.write_bytes(raw)
    else:
        nib.save(image, file)
    target = TMP / f"{name}.nii.zarr"
    niizarr.nii2zarr(str(file), str(target), **options)
    pack(target, name)
    original = nib.load(file)
    group = zarr.open_group(str(target), mode="r")
    affines = [original.affine]
    levels = len([k for k in group.keys() if k.isdigit()])
    for level in range(1, levels):
        if forms == "both":
            affines.append(niizarr.zarr2nii(str(target), level=level).header.get_best_affine())
        else:  # niizarr needs both forms; this is what it does, with the best affine
            physical = [physical_of(group, n) for n in (0, level)]
            affines.append(original.affine @ np.linalg.inv(physical[0]) @ physical[1])
    raw = original.dataobj.get_unscaled() if hasattr(original.dataobj, "get_unscaled") else np.asarray(original.dataobj)
    if data.dtype == np.int64:  # niizarr rounds them to float64 on the way
        raw = np.transpose(np.asarray(group["0"]))
    scaled = None if data.dtype.names or data.dtype == np.int64 else np.asarray(original.dataobj)
    source = {"both": "sform", "sform": "sform", "qform": "qform", "none": "base"}[forms]
    record(name, raw, affines, scaled, np.asarray(group["nifti"]).tobytes(), source)


SMALL = (13, 10, 7)
for version in (2, 3):
    nifti(f"niizarr-v{version}-blosc", voxels((21, 18, 9), "i2"), chunk=8, zarr_version=version)
    nifti(f"niizarr-v{version}-zstd", voxels(SMALL, "f4"), chunk=8, compressor="zlib", zarr_version=version, nb_levels=1)
    nifti(f"niizarr-v{version}-4d", voxels((*SMALL, 3), "u1"), chunk=8, zarr_version=version, nb_levels=1)
    nifti(f"niizarr-v{version}-vector", voxels((*SMALL, 1, 3), "f8"), chunk=8, zarr_version=version, nb_levels=1)
    nifti(f"niizarr-v{version}-scaled", voxels(SMALL, "i2"), slope=(0.5, -3), chunk=8, zarr_version=version, nb_levels=1)
    nifti(f"niizarr-v{version}-big-endian", voxels(SMALL, ">i2"), endian=">", chunk=8, zarr_version=version, nb_levels=1)
    nifti(f"niizarr-v{version}-sform-only", voxels((18, 18, 9), "i2"), forms="sform", chunk=8, zarr_version=version)
    nifti(f"niizarr-v{version}-no-forms", voxels(SMALL, "i4"), forms="none", chunk=8, zarr_version=version, nb_levels=1)
    nifti(f"niizarr-v{version}-nifti2", voxels(SMALL, "i8"), klass=nib.Nifti2Image, chunk=8, zarr_version=version, nb_levels=1)
nifti("niizarr-v3-sharded", voxels((21, 18, 9), "u2"), chunk=4, shard=8, nb_levels=2)

# --- zarr-python: every codec, order, byte order and type --------------------------------------------------------------

DATA = voxels((7, 10, 13), "i2", 1)  # (z, y, x)


def bare(name, array, make, dims="zyx"):
    """An array without metadata of its own; `dims` names its axes."""
    directory = TMP / f"{name}.zarr"
    shutil.rmtree(directory, ignore_errors=True)
    make(str(directory))
    pack(directory, name)
    place = {axis: n for n, axis in enumerate(dims)}
    order = [place[a] for a in "xyztc" if a in place]
    record(name, np.transpose(array, order))


def v2(compressor=None, array=DATA, **options):
    def make(path):
        made = zarr.create_array(path, shape=array.shape, chunks=options.pop("chunks", (4, 5, 6)), dtype=array.dtype,
                                 zarr_format=2, compressors=compressor, **options)
        made[...] = array
    return make


def v3(array=DATA, **options):
    def make(path):
        made = zarr.create_array(path, shape=array.shape, chunks=options.pop("chunks", (4, 5, 6)), dtype=array.dtype,
                                 zarr_format=3, **options)
        made[...] = array
    return make


for cname in ("lz4", "lz4hc", "zstd", "zlib", "blosclz"):
    for shuffle in (0, 1, 2):
        bare(f"v2-blosc-{cname}-{shuffle}", DATA, v2(numcodecs.Blosc(cname, 5, shuffle)))
bare("v2-gzip", DATA, v2(numcodecs.GZip(5)))
bare("v2-zlib", DATA, v2(numcodecs.Zlib(5)))
bare("v2-zstd", DATA, v2(numcodecs.Zstd(3)))
bare("v2-none", DATA, v2(None))
bare("v2-lz4", DATA, v2(numcodecs.LZ4()))
bare("v2-order-f", DATA, v2(numcodecs.Blosc(), order="F"))
bare("v2-delta", DATA, v2(numcodecs.Blosc(), filters=[numcodecs.Delta("<i2")]))
bare("v2-slash", DATA, v2(numcodecs.Blosc(), chunk_key_encoding={"name": "v2", "separator": "/"}))
for dtype in ("?", "|i1", "|u1", ">i2", "<u2", ">i4", "<u4", ">i8", "<u8", "<f2", ">f2", ">f4", "<f8", "<c8", ">c8", "<c16"):
    array = voxels((7, 10, 13), np.dtype(dtype), 2).astype(dtype)
    shown = array.astype("f4") if dtype.endswith("f2") else array
    bare(f"v2-dtype-{dtype.strip('|').replace('<', 'le-').replace('>', 'be-').replace('?', 'bool')}", shown,
         v2(numcodecs.Blosc("lz4", 5, 1), array))
for dtype in ("bool", "int8", "uint32", "int64", "uint64", "float16", "float32", "float64", "complex64", "complex128"):
    array = voxels((7, 10, 13), np.dtype(dtype), 3)
    shown = array.astype("f4") if dtype == "float16" else array
    bare(f"v3-dtype-{dtype}", shown, v3(array, compressors=[BloscCodec(cname="lz4")]))

bare("v3-blosc-zstd-bit", DATA, v3(compressors=[BloscCodec(cname="zstd", shuffle="bitshuffle")]))
bare("v3-blosc-lz4-bit", DATA, v3(compressors=[BloscCodec(cname="lz4", shuffle="bitshuffle")]))
bare("v3-gzip", DATA, v3(compressors=[GzipCodec()]))
bare("v3-zstd", DATA, v3(compressors=[ZstdCodec(checksum=True)]))
bare("v3-crc32c", DATA, v3(compressors=[Crc32cCodec()]))
bare("v3-zstd-crc32c", DATA, v3(compressors=[ZstdCodec(), Crc32cCodec()]))
bare("v3-none", DATA, v3(compressors=None))
bare("v3-big", DATA, v3(serializer=BytesCodec(endian="big"), compressors=[BloscCodec(cname="lz4")]))
bare("v3-transpose", DATA, v3(filters=[TransposeCodec(order=(2, 0, 1))], compressors=[BloscCodec(cname="lz4")]))
bare("v3-keys-v2", DATA, v3(chunk_key_encoding={"name": "v2", "separator": "."}))
bare("v3-sharded", DATA, v3(shards=(8, 10, 12), compressors=[BloscCodec(cname="lz4")]))
bare("v3-sharded-start", DATA, v3(chunks=(8, 10, 12), compressors=None, serializer=ShardingCodec(
    chunk_shape=(4, 5, 6), codecs=[BytesCodec(), GzipCodec()], index_location="start")))
bare("v3-sharded-transpose", DATA, v3(chunks=(8, 10, 12), compressors=None, serializer=ShardingCodec(
    chunk_shape=(4, 5, 6), codecs=[TransposeCodec(order=(1, 2, 0)), BytesCodec(), ZstdCodec()],
    index_codecs=[BytesCodec()])))


def sparse(path, **options):
    made = zarr.create_array(path, shape=DATA.shape, chunks=(4, 5, 6), dtype="i2", fill_value=-7, **options)
    made[:4, :5, :6] = DATA[:4, :5, :6]


FILLED = np.full_like(DATA, -7)
FILLED[:4, :5, :6] = DATA[:4, :5, :6]
bare("v2-fill", FILLED, lambda path: sparse(path, zarr_format=2, compressors=numcodecs.Blosc()))
bare("v3-fill", FILLED, lambda path: sparse(path, zarr_format=3))
bare("v3-fill-sharded", FILLED, lambda path: sparse(path, zarr_format=3, shards=(8, 10, 12)))
TCZYX = voxels((2, 3, 4, 5, 6), "i2", 4)
bare("v2-5d", TCZYX, v2(numcodecs.Blosc(), TCZYX, chunks=(1, 2, 3, 4, 5)), "tczyx")
bare("v3-4d", TCZYX[0], v3(TCZYX[0], chunks=(2, 3, 4, 5)), "tzyx")

# --- OME-Zarr without a NIfTI header ----------------------------------------------------------------------------------


def ome(name, array, axes, version, units, scale, translation, consolidated=False):
    directory = TMP / f"{name}.zarr"
    group = zarr.open_group(str(directory), mode="w", zarr_format=2 if version == "0.4" else 3)
    made = group.create_array("0", shape=array.shape, chunks=tuple(min(4, s) for s in array.shape), dtype=array.dtype)
    made[...] = array
    half = array[tuple(slice(None, None, 2) if a in "xyz" else slice(None) for a in axes)]
    group.create_array("1", shape=half.shape, chunks=half.shape, dtype=half.dtype)[...] = half
    kinds = dict(x="space", y="space", z="space", t="time", c="channel")
    two = [2 * s if a in "xyz" else s for a, s in zip(axes, scale)]
    multiscales = [{
        "name": "", "axes": [dict(name=a, type=kinds[a], **({"unit": units[a]} if a in units else {})) for a in axes],
        "datasets": [{"path": str(n), "coordinateTransformations": [
            {"type": "scale", "scale": s}, {"type": "translation", "translation": translation}]}
            for n, s in enumerate((scale, two))],
    }]
    if version == "0.4":
        multiscales[0]["version"] = "0.4"
        group.attrs["multiscales"] = multiscales
    else:
        group.attrs["ome"] = {"version": version, "multiscales": multiscales}
    if consolidated:
        zarr.consolidate_metadata(str(directory))
    pack(directory, name)
    factor = {"micrometer": 1e-3, "millimeter": 1.0, "centimeter": 10.0}
    affines = []
    for s in (scale, two):
        affine = np.eye(4)
        for n, axis in enumerate("xyz"):
            at = axes.index(axis)
            affine[n, n] = s[at] * factor[units[axis]]
            affine[n, 3] = translation[at] * factor[units[axis]]
        affines.append(affine)
    order = [axes.index(a) for a in "xyztc" if a in axes]
    record(name, np.transpose(array, order), affines, source="ome")


ome("ome-0.4", voxels((3, 5, 6, 7), "u2", 5), "czyx", "0.4", dict(x="micrometer", y="micrometer", z="millimeter"),
    [1, 2, 350, 420], [0, 0.5, 100, -200])
ome("ome-0.4-consolidated", voxels((5, 6, 7), "f4", 6), "zyx", "0.4", dict(x="millimeter", y="millimeter", z="centimeter"),
    [0.25, 1, 1.5], [0, 3, -4], consolidated=True)
ome("ome-0.5", voxels((2, 3, 4, 5, 6), "i2", 7), "tczyx", "0.5",
    dict(x="micrometer", y="micrometer", z="micrometer", t="second"), [0.5, 1, 3, 2, 2], [0, 0, 1, 2, 3])
ome("ome-0.5-consolidated", voxels((4, 5, 6, 3), "u1", 8), "xyzc", "0.5",
    dict(x="millimeter", y="millimeter", z="millimeter"), [1, 2, 3, 1], [7, 8, 9, 0], consolidated=True)

(OUT / "expected.json").write_text(json.dumps({"images": images, "tensors": tensors}, indent=0, sort_keys=True, allow_nan=False) + "\n")
shutil.rmtree(TMP)
print(len(images), "images")
