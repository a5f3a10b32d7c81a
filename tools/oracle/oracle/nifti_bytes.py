"""NIfTI files byte by byte.

Headers are filled in field by field instead of being saved by nibabel, so that they may also hold what nibabel would
never write. nibabel gives the layout of the fields and nothing else.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping

import nibabel as nib
import numpy as np

#: NIfTI's codes of the data types that lazyimg reads, by numpy's name.
CODES: Mapping[str, int] = {
    "uint8": 2, "int16": 4, "int32": 8, "float32": 16, "complex64": 32, "float64": 64, "rgb24": 128,
    "int8": 256, "uint16": 512, "uint32": 768, "int64": 1024, "uint64": 1280, "complex128": 1792, "rgba32": 2304,
}  # fmt: skip

#: numpy's form of each of `CODES`.
DTYPES: Mapping[str, np.dtype] = {
    name: np.dtype([(channel, "u1") for channel in "RGBA"[: 3 if name == "rgb24" else 4]])
    if name.startswith("rgb")
    else np.dtype(name)
    for name in CODES
}

#: Header length, and magic of a single file and of a pair.
LAYOUT = {
    1: (nib.Nifti1Header.template_dtype, b"n+1", b"ni1"),
    2: (nib.Nifti2Header.template_dtype, b"n+2", b"ni2"),
}

#: An oblique, sheared affine whose products with small integers are exact in floating point.
SFORM = np.array(
    [[-2, 0.25, 0.125, 10.5], [0.1875, 2.5, -0.375, -20.25], [0.0625, 0.5, 3, 5.75], [0, 0, 0, 1]], dtype=np.float64
)

Extension = tuple[int, bytes]


def sform_fields(affine: np.ndarray, code: int = 1) -> dict:
    """The header fields that hold `affine` as an sform."""
    return {"sform_code": code, "srow_x": affine[0], "srow_y": affine[1], "srow_z": affine[2]}


def extension_bytes(extensions: Iterable[Extension], order: str) -> bytes:
    """The four flag bytes and the extensions after them."""
    body = b""
    for code, content in extensions:
        size = (len(content) + 8 + 15) // 16 * 16
        body += struct.pack(f"{order}ii", size, code) + content.ljust(size - 8, b"\0")
    return (b"\1\0\0\0" if body else b"\0\0\0\0") + body


def header_bytes(shape, dtype: str, *, version=1, order="<", pair=False, vox_offset=None, **fields) -> bytes:
    """A header; `fields` are set last, by NIfTI's names, without any check."""
    layout, single_magic, pair_magic = LAYOUT[version]
    header = np.zeros((), dtype=layout.newbyteorder(order))
    header["sizeof_hdr"] = layout.itemsize
    header["magic"] = pair_magic if pair else single_magic
    if version == 2:
        header["eol_check"] = (13, 10, 26, 10)
    header["dim"] = [len(shape), *shape, *[1] * (7 - len(shape))]
    header["datatype"] = CODES[dtype]
    header["bitpix"] = DTYPES[dtype].itemsize * 8
    header["pixdim"] = [1, 2, 2.5, 3, 1, 1, 1, 1]
    header["vox_offset"] = vox_offset if vox_offset is not None else 0 if pair else layout.itemsize + 4
    if "sform_code" not in fields and "qform_code" not in fields:
        fields = {**sform_fields(SFORM), **fields}
    for name, value in fields.items():
        header[name] = value
    return header.tobytes()


def gzip_member(data: bytes, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, extra=b"", name=b"", comment=b"", hcrc=False):
    """One gzip member (RFC 1952) without a time or an operating system."""
    flags = 2 * hcrc | 4 * bool(extra) | 8 * bool(name) | 16 * bool(comment)
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff"
    head += struct.pack("<H", len(extra)) + extra if extra else b""
    head += name + b"\0" if name else b""
    head += comment + b"\0" if comment else b""
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF) if hcrc else b""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    return (
        head + deflate.compress(data) + deflate.flush() + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    )


def voxel_bytes(values: np.ndarray, order: str) -> bytes:
    """The voxels as a file has them: first axis fastest."""
    return values.astype(values.dtype.newbyteorder(order)).tobytes("F")


def nifti_files(
    stem: str,
    values: np.ndarray,
    dtype: str,
    container=".nii",
    *,
    version=1,
    order="<",
    extensions: Iterable[Extension] = (),
    gap=b"",
    shape=None,
    **fields,
) -> dict[str, bytes]:
    """The file or files of one image, by name: `container` is ".nii", ".nii.gz", ".hdr", ".hdr.gz" or ".hdr+.img.gz".

    `gap` lies between the header and the voxels. `shape`, when given, is what the header says instead of the truth.
    """
    pair = container.startswith(".hdr")
    tail = extension_bytes(extensions, order)
    if not pair:
        fields.setdefault("vox_offset", LAYOUT[version][0].itemsize + len(tail) + len(gap))
    elif gap:
        fields.setdefault("vox_offset", len(gap))
    head = header_bytes(shape or values.shape, dtype, version=version, order=order, pair=pair, **fields)
    voxels = voxel_bytes(values, order)
    if container == ".nii":
        return {f"{stem}.nii": head + tail + gap + voxels}
    if container == ".nii.gz":
        return {f"{stem}.nii.gz": gzip_member(head + tail + gap + voxels)}
    halves = {".hdr": head + tail, ".img": gap + voxels}
    zipped = {".hdr": (), ".hdr.gz": (".hdr", ".img"), ".hdr+.img.gz": (".img",)}[container]
    return {
        stem + half + (".gz" if half in zipped else ""): gzip_member(data) if half in zipped else data
        for half, data in halves.items()
    }
