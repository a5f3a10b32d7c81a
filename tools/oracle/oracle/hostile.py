"""Files that are broken, or lie: `nifti/hostile/hostile.json`.

What lazyimg owes is an error with a code, never a wrong voxel and never memory asked for by an unchecked number. What
nibabel does with each file is kept beside it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from .golden import Arrays, plain, write_json
from .nifti_bytes import (
    DTYPES,
    extension_bytes,
    gzip_member,
    header_bytes,
    nifti_files,
    voxel_bytes,
)  # fmt: skip
from .nifti_vectors import SHAPE, make
from .reference import attempt, describe, load
from .voxels import values


@dataclass(frozen=True)
class Broken:
    """Files, what is wrong with them, and the code of the error that is due."""

    files: dict[str, bytes]
    problem: str
    code: str
    #: when the error is due: "open", or "read" at the latest (opening may already tell)
    stage: str = "open"
    #: "error", or "either": the error, or else what the file would give if it were sound
    expect: str = "error"
    #: a sound file with the same content, for "either"
    sound: dict[str, bytes] | None = None
    #: whether nibabel is given the file: not where it would ask for gigabytes, or its answer depends on the disk
    ask: bool = True


def one(stem: str, problem: str, code: str, stage="open", expect="error", ask=True, sound=False, **options) -> Broken:
    """A single file with one wrong thing in its header."""
    case = make(stem, options.pop("dtype", "int16"), **options)
    twin = make(stem, **{key: options[key] for key in ("container", "version", "order") if key in options}).files
    return Broken(case.files, problem, code, stage, expect, twin if sound else None, ask)


def sizes() -> Iterator[Broken]:
    """Files that end too soon."""
    image = make("x").files["x.nii"]
    zipped = make("x", container=".nii.gz").files["x.nii.gz"]
    yield Broken({"empty.nii": b""}, "no bytes at all", "ERR_TRUNCATED")
    yield Broken({"empty.nii.gz": b""}, "no bytes at all", "ERR_TRUNCATED")
    for length in (1, 3, 4, 40, 100, 347):
        yield Broken(
            {f"header-{length}.nii": image[:length]}, f"the file ends after {length} of 348 bytes", "ERR_TRUNCATED"
        )
    second = make("x", version=2, order=">").files["x.nii"]
    for length in (348, 400, 539):
        yield Broken(
            {f"header2-{length}.nii": second[:length]}, f"the file ends after {length} of 540 bytes", "ERR_TRUNCATED"
        )
    yield Broken({"header-alone.nii": image[:348]}, "nothing after the header", "ERR_TRUNCATED", "read")
    yield Broken({"header-flag.nii": image[:352]}, "no voxels", "ERR_TRUNCATED", "read")
    yield Broken({"voxels-half.nii": image[:412]}, "half of the voxels are missing", "ERR_TRUNCATED", "read")
    yield Broken({"voxels-minus-one.nii": image[:-1]}, "one byte is missing", "ERR_TRUNCATED", "read")
    yield Broken(
        {"voxels-half.nii.gz": gzip_member(image[:412])},
        "a sound gzip file without half of the voxels",
        "ERR_TRUNCATED",
        "read",
    )
    yield Broken(
        {"voxels-none.nii.gz": gzip_member(image[:352])}, "a sound gzip file without voxels", "ERR_TRUNCATED", "read"
    )
    yield Broken(
        {"header-half.nii.gz": gzip_member(image[:200])}, "a sound gzip file of half a header", "ERR_TRUNCATED"
    )
    yield Broken({"nothing-inside.nii.gz": gzip_member(b"")}, "a sound gzip file of nothing", "ERR_TRUNCATED")
    for cut in (1, 9, 10, 14, 60):
        yield Broken({f"gzip-first-{cut}.nii.gz": zipped[:cut]}, f"gzip ends after {cut} bytes", "ERR_TRUNCATED")
    stored = gzip_member(image, level=0)
    yield Broken({"gzip-mid-voxels.nii.gz": stored[:430]}, "gzip ends among the voxels", "ERR_TRUNCATED", "read")
    for missing in (1, 4, 8):
        yield Broken(
            {f"gzip-trailer-minus-{missing}.nii.gz": zipped[:-missing]},
            f"gzip ends {missing} bytes early, in its trailer",
            "ERR_TRUNCATED",
            "read",
        )


def checksums() -> Iterator[Broken]:
    """Compressed data that contradict themselves."""
    image = make("x").files["x.nii"]
    zipped = gzip_member(image)
    crc, length = struct.unpack("<II", zipped[-8:])
    stored = bytearray(gzip_member(image, level=0))
    yield Broken(
        {"gzip-crc.nii.gz": zipped[:-8] + struct.pack("<II", crc ^ 1, length)}, "CRC-32 differs", "ERR_CHECKSUM", "read"
    )
    yield Broken(
        {"gzip-isize.nii.gz": zipped[:-8] + struct.pack("<II", crc, length + 1)},
        "ISIZE differs",
        "ERR_CHECKSUM",
        "read",
    )
    stored[10 + 5 + 400] ^= 0x40
    yield Broken(
        {"gzip-flipped-voxel.nii.gz": bytes(stored)},
        "one bit of a voxel is flipped; CRC-32 differs",
        "ERR_CHECKSUM",
        "read",
    )
    two = gzip_member(image[:400])
    bad = two[:-8] + struct.pack("<II", 0, 400) + gzip_member(image[400:])
    yield Broken(
        {"gzip-crc-of-first-member.nii.gz": bad}, "CRC-32 of the first of two members differs", "ERR_CHECKSUM", "read"
    )
    yield Broken({"gzip-method.nii.gz": zipped[:2] + b"\7" + zipped[3:]}, "compression method 7", "ERR_CORRUPT")
    yield Broken(
        {"gzip-block-type.nii.gz": zipped[:10] + b"\7" + zipped[11:]}, "a deflate block of type 3", "ERR_CORRUPT"
    )
    lengths = gzip_member(image, level=0)
    lengths = lengths[:13] + b"\0\0" + lengths[15:]
    yield Broken(
        {"gzip-stored-length.nii.gz": lengths}, "a stored block's length and its complement disagree", "ERR_CORRUPT"
    )
    yield Broken(
        {"gzip-junk-after.nii.gz": zipped + b"this is no gzip member"},
        "junk after the last member",
        "ERR_CORRUPT",
        "read",
        "either",
        {"x.nii.gz": zipped},
    )
    yield Broken(
        {"not-gzip.nii.gz": image},
        "a plain NIfTI file under a .gz name",
        "ERR_CORRUPT",
        "open",
        "either",
        {"x.nii": image},
    )
    yield Broken(
        {"is-gzip.nii": zipped}, "a gzip file under a .nii name", "ERR_HEADER", "open", "either", {"x.nii.gz": zipped}
    )


def strangers() -> Iterator[Broken]:
    """Files that are no NIfTI, or not the NIfTI that their name says."""
    text = b"This is a text file, long enough to be taken for a header by a reader that believes names.\n" * 8
    image = make("x").files["x.nii"]
    yield Broken({"text.nii": text}, "text", "ERR_HEADER")
    yield Broken({"text.nii.gz": gzip_member(text)}, "text in gzip", "ERR_HEADER")
    yield Broken({"zeros.nii": bytes(1000)}, "zeros", "ERR_HEADER")
    yield Broken({"ones.nii": b"\xff" * 1000}, "bytes of 255", "ERR_HEADER")
    yield Broken({"text.hdr": text, "text.img": b"voxels"}, "text, as a pair", "ERR_HEADER")
    for version in (1, 2):
        tag = f"n{version}"
        yield one(f"magic-zero.{tag}", "no magic", "ERR_HEADER", magic=b"", version=version)
        yield one(f"magic-other.{tag}", "magic n+9", "ERR_HEADER", magic=b"n+9", version=version)
    analyze = nib.AnalyzeHeader()
    analyze.set_data_shape(SHAPE)
    analyze.set_data_dtype(np.int16)
    yield Broken({"analyze.hdr": analyze.binaryblock, "analyze.img": image[352:]}, "an Analyze 7.5 pair", "ERR_HEADER")
    sized = header_bytes(SHAPE, "int16", sizeof_hdr=100) + image[348:]
    yield Broken({"sizeof-hdr-100.nii": sized}, "sizeof_hdr is 100", "ERR_HEADER", "open", "either", {"x.nii": image})
    sized = header_bytes(SHAPE, "int16", sizeof_hdr=0) + image[348:]
    yield Broken({"sizeof-hdr-0.nii": sized}, "sizeof_hdr is 0", "ERR_HEADER", "open", "either", {"x.nii": image})
    twin = make("x", version=2).files
    for name, eol in (("zero", (0, 0, 0, 0)), ("unix", (10, 26, 10, 0))):
        wrong = make(f"eol-{name}", version=2, eol_check=eol).files
        yield Broken(
            wrong,
            f"NIfTI-2's line-end check is {eol}: a transfer as text changed the file"
            if name == "unix"
            else "NIfTI-2's line-end check is not set",
            "ERR_HEADER",
            "open",
            "either",
            twin,
        )


def pairs() -> Iterator[Broken]:
    """Halves of pairs."""
    pair = make("x", container=".hdr").files
    header, image = pair["x.hdr"], pair["x.img"]
    yield Broken({"no-img.hdr": header}, "no .img", "ERR_PAIR", "read")
    yield Broken({"no-hdr.img": image}, "no .hdr", "ERR_PAIR")
    yield Broken({"no-img-gz.hdr.gz": gzip_member(header)}, "no .img.gz", "ERR_PAIR", "read")
    yield Broken(
        {"short-img.hdr": header, "short-img.img": image[:-3]},
        "three bytes of .img are missing",
        "ERR_TRUNCATED",
        "read",
    )
    yield Broken({"empty-img.hdr": header, "empty-img.img": b""}, ".img is empty", "ERR_TRUNCATED", "read")
    yield Broken({"empty-hdr.hdr": b"", "empty-hdr.img": image}, ".hdr is empty", "ERR_TRUNCATED")
    shifted = make("offset-past-img", container=".hdr", vox_offset=5000).files
    yield Broken(shifted, "vox_offset 5000 in a short .img", "ERR_TRUNCATED", "read")


def dimensions() -> Iterator[Broken]:
    """Dimensions that no array has."""
    for rank in (0, 8, -1, 256, 32767, -32768):
        yield one(f"dim0-{rank}", f"dim[0] is {rank}", "ERR_HEADER", dim=[rank, *SHAPE, 1, 1, 1, 1])
    for rank in (0, 8, -1, 2**40):  # a rank past 7 swaps nibabel's byte order, and then every other number
        yield one(
            f"dim0-{rank}.n2",
            f"dim[0] is {rank}",
            "ERR_HEADER",
            version=2,
            dim=[rank, *SHAPE, 1, 1, 1, 1],
            ask=rank < 8,
        )
    for shape in ((5, 0, 3), (0, 4, 3), (5, 4, 3, 0)):
        name = "x".join(map(str, shape))
        yield one(f"zero-{name}", f"shape {shape}; nibabel reads an empty array", "ERR_HEADER", dim=pad(shape))
    for shape in ((5, -4, 3), (-5, 4, 3), (-1, 4, 3), (-1, -1, 60), (5, 4, 3, -1), (-5, -4, 3)):
        name = "x".join(map(str, shape))
        yield one(f"negative-{name}", f"shape {shape}", "ERR_HEADER", dim=pad(shape))
    yield one("freesurfer-no-glmin", "dim[1] is -1 and glmin 0", "ERR_HEADER", dim=pad((-1, 1, 1)))
    yield one("freesurfer-negative-glmin", "dim[1] is -1 and glmin -60", "ERR_HEADER", dim=pad((-1, 1, 1)), glmin=-60)
    yield one(
        "freesurfer-long-glmin",
        "dim[1] is -1 and glmin past the end",
        "ERR_TRUNCATED",
        "read",
        dim=pad((-1, 1, 1)),
        glmin=2**31 - 1,
        ask=False,
    )
    yield one(
        "freesurfer.n2", "dim[1] is -1 in NIfTI-2, which has no such rule", "ERR_HEADER", version=2, dim=pad((-1, 1, 1))
    )
    promises = {
        "a-little": (5, 4, 4), "100-cubed": (100, 100, 100), "32767-cubed": (32767, 32767, 32767),
        "past-2-53": (32767, 32767, 32767, 32767), "7d": (32767,) * 7,
    }  # fmt: skip
    for name, shape in promises.items():
        impossible = 2 * np.prod([float(size) for size in shape]) > 2**53
        for container in (".nii", ".nii.gz"):
            yield one(
                f"promise-{name}",
                f"shape {shape} of int16, and 120 bytes",
                "ERR_HEADER" if impossible else "ERR_TRUNCATED",
                "open" if impossible else "read",
                container=container,
                dim=pad(shape),
                ask=int(np.prod([float(size) for size in shape])) < 2**30,
            )
    giants = {
        "2-40": (2**40, 1, 1), "2-53": (2**53, 1, 1), "2-63": (2**63 - 1, 1, 1), "product": (2**40, 2**40, 1),
        "wraps": (2**32, 2**32, 1), "wraps-to-few": (2**62, 4, 15), "1-past-end": (5, 4, 2**60),
    }  # fmt: skip
    for name, shape in giants.items():
        impossible = 2 * np.prod([float(size) for size in shape]) > 2**53
        for container in (".nii", ".nii.gz"):
            yield one(
                f"giant-{name}.n2",
                f"shape {shape} of int16, and 120 bytes",
                "ERR_HEADER" if impossible else "ERR_TRUNCATED",
                "open" if impossible else "read",
                version=2,
                container=container,
                dim=pad(shape),
                ask=False,
            )


def pad(shape) -> list[int]:
    """The `dim` field of a shape, whatever it is."""
    return [len(shape), *shape, *[1] * (7 - len(shape))]


def offsets() -> Iterator[Broken]:
    """Voxels that begin where they cannot."""
    for version, minimum in ((1, 352), (2, 544)):
        for offset in (0, 1, 100, minimum - 4, minimum - 1):
            yield one(
                f"offset-{offset}.n{version}",
                f"vox_offset {offset} lies inside the header",
                "ERR_HEADER",
                version=version,
                vox_offset=offset,
            )
        for offset in (-1, -352, 10**6, 2**31 if version == 1 else 2**62):
            where = "is negative" if offset < 0 else "lies past the end"
            # No byte beyond 2**53 can be told apart, whatever the file.
            impossible = offset < 0 or offset > 2**53
            yield one(
                f"offset-{offset}.n{version}",
                f"vox_offset {offset} {where}",
                "ERR_HEADER" if impossible else "ERR_TRUNCATED",
                "read",
                version=version,
                vox_offset=offset,
                ask=offset < 2**32,
            )
        yield one(
            f"offset-1000000.n{version}",
            "vox_offset 1000000 lies past the end",
            "ERR_TRUNCATED",
            "read",
            version=version,
            vox_offset=10**6,
            container=".nii.gz",
        )
    for name, offset in (("nan", np.nan), ("inf", np.inf), ("minus-inf", -np.inf), ("huge", 3e38)):
        yield one(f"offset-{name}", f"vox_offset {offset}", "ERR_HEADER", "read", vox_offset=offset)
    yield one("offset-minus-8.pair", "vox_offset -8 of a pair", "ERR_HEADER", "read", container=".hdr", vox_offset=-8)


def fields() -> Iterator[Broken]:
    """Other fields that no reader can use."""
    nan, inf = np.nan, np.inf
    base = {"sform_code": 0, "qform_code": 0}
    for name, pixdim in (("nan", (nan, 2, 3)), ("inf", (2, inf, 3)), ("all-nan", (nan, nan, nan))):
        yield one(
            f"pixdim-{name}-base",
            f"pixdim {pixdim} and no other affine",
            "ERR_HEADER",
            **base,
            pixdim=[1, *pixdim, 1, 1, 1, 1],
        )
    turn = {"quatern_b": 0.5, "quatern_c": -0.5, "quatern_d": 0.5}
    yield one(
        "pixdim-nan-qform",
        "a qform with NaN in pixdim",
        "ERR_HEADER",
        qform_code=1,
        pixdim=[1, nan, 2, 3, 1, 1, 1, 1],
        **turn,
    )
    yield one("quaternion-nan", "a qform with NaN in its quaternion", "ERR_HEADER", qform_code=1, quatern_b=nan)
    yield one("quaternion-inf", "a qform with infinity in its quaternion", "ERR_HEADER", qform_code=1, quatern_b=inf)
    yield one("qoffset-inf", "a qform with an infinite offset", "ERR_HEADER", qform_code=1, qoffset_y=inf, **turn)
    yield one(
        "sform-inf",
        "an sform with infinity",
        "ERR_HEADER",
        sform_code=1,
        srow_x=[1, 0, 0, inf],
        srow_y=[0, 1, 0, 0],
        srow_z=[0, 0, 1, 0],
    )
    yield one(
        "pixdim-nan-sform",
        "NaN in pixdim, which a sound sform makes harmless",
        "ERR_HEADER",
        expect="either",
        sound=True,
        pixdim=[1, nan, nan, nan, 1, 1, 1, 1],
    )


def extensions() -> Iterator[Broken]:
    """Extensions that overrun; the voxels are sound, so that reading them without the extensions is right too."""
    voxels = voxel_bytes(values("int16", SHAPE, DTYPES["int16"]), "<")
    twin = make("x").files

    def single(stem: str, body: bytes, problem: str) -> Broken:
        head = header_bytes(SHAPE, "int16", vox_offset=352 + len(body))
        return Broken(
            {f"{stem}.nii": head + b"\1\0\0\0" + body + voxels}, problem, "ERR_HEADER", "read", "either", twin
        )

    yield single("extension-overruns", struct.pack("<ii", 4096, 6) + bytes(24), "an extension of 4096 bytes in 32")
    yield single(
        "extension-huge", struct.pack("<ii", 2**31 - 16, 6) + bytes(24), "an extension of nearly 2 GiB in 32 bytes"
    )
    yield single("extension-negative", struct.pack("<ii", -16, 6) + bytes(24), "an extension of -16 bytes")
    yield single("extension-zero", struct.pack("<ii", 0, 6) + bytes(24), "an extension of 0 bytes")
    yield single("extension-small", struct.pack("<ii", 4, 6) + bytes(24), "an extension smaller than its own head")
    sound = extension_bytes([(6, b"sound")], "<")[4:]
    yield single("extension-then-zeros", sound + bytes(64), "zeros after the last extension")
    pair = nifti_files(
        "extension-cut", values("int16", SHAPE, DTYPES["int16"]), "int16", ".hdr", extensions=[(6, b"x" * 100)]
    )
    cut = {name: data[:400] if name.endswith(".hdr") else data for name, data in pair.items()}
    yield Broken(
        cut,
        "a pair's header ends inside an extension",
        "ERR_HEADER",
        "read",
        "either",
        make("x", container=".hdr").files,
    )


GROUPS = (sizes, checksums, strangers, pairs, dimensions, offsets, fields, extensions)


def vector(case: Broken, root: Path, scratch: Path, arrays: Arrays) -> dict:
    """The JSON of one case, whose files are already under `root`."""
    names = list(case.files)
    result = {"code": case.code, "expect": case.expect, "files": names, "problem": case.problem, "stage": case.stage}
    result["nibabel"] = attempt([root / names[0]], root) if case.ask else {"asked": False}
    if case.sound:
        for name, data in case.sound.items():
            (scratch / name).write_bytes(data)
        described = describe(load([scratch / name for name in case.sound]), arrays)
        result["sound"] = {key: described[key] for key in ("affine", "dtype", "raw", "shape")}
    return {key: plain(value) if isinstance(value, tuple) else value for key, value in result.items()}


def generate(out: Path) -> None:
    """Writes the files and `hostile.json` under `out/nifti/hostile`."""
    root, scratch = out / "nifti" / "hostile", out / "scratch"
    root.mkdir(parents=True)
    scratch.mkdir()
    arrays = Arrays()
    vectors = []
    for group in GROUPS:
        for case in group():
            for name, data in case.files.items():
                if (root / name).exists():
                    raise RuntimeError(f"two cases write {name}")
                (root / name).write_bytes(data)
            vectors.append(vector(case, root, scratch, arrays))
    write_json(root / "hostile.json", {"arrays": arrays.table, "cases": vectors, "nibabel": nib.__version__})
