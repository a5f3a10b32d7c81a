"""Small NIfTI files, valid or nearly so, and what nibabel makes of each: `nifti/cases.json`."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from .golden import Arrays, write_json
from .nifti_bytes import (
    CODES,
    DTYPES,
    SFORM,
    gzip_member,
    header_bytes,
    nifti_files,
    sform_fields,
    voxel_bytes,
)  # fmt: skip
from .reference import attempt, describe, load
from .voxels import values

SHAPE = (5, 4, 3)
ORDERS = {"le": "<", "be": ">"}


@dataclass(frozen=True)
class Case:
    """Files, and what is expected of them where that is not simply nibabel's answer."""

    files: dict[str, bytes]
    #: "ok", "error", or "either": the error `code` or else exactly what is described
    expect: str = "ok"
    code: str | None = None
    note: str | None = None
    #: members of the description that lazyimg has otherwise, on purpose
    differs: tuple[str, ...] = ()


def make(
    stem: str,
    dtype="int16",
    container=".nii",
    *,
    shape=SHAPE,
    finite=False,
    expect="ok",
    code=None,
    note=None,
    differs=(),
    **options,
) -> Case:
    """One image with the standard voxels."""
    voxels = values(dtype, shape, DTYPES[dtype], finite)
    return Case(nifti_files(stem, voxels, dtype, container, **options), expect, code, note, differs)


def dtypes() -> Iterator[Case]:
    """Each data type, byte order, NIfTI version and way to store it."""
    for dtype in CODES:
        for order_name, order in ORDERS.items():
            for version in (1, 2):
                containers = [".nii", ".nii.gz", ".hdr"]
                if (order_name, version) in (("le", 1), ("be", 2)):
                    containers.append(".hdr.gz")
                for container in containers:
                    kind = {".nii": "single", ".nii.gz": "gz", ".hdr": "pair", ".hdr.gz": "pair-gz"}[container]
                    stem = f"dtype/{dtype}.{order_name}.n{version}.{kind}"
                    yield make(stem, dtype, container, version=version, order=order)
    unsupported = {
        "none": 0,
        "binary": 1,
        "all": 255,
        "float128": 1536,
        "complex256": 2048,
        "unknown99": 99,
        "unknown257": 257,
        "negative": -1,
    }
    for name, datatype in unsupported.items():
        for order_name, version in (("le", 1), ("be", 2)):
            stem = f"dtype/unsupported-{name}.{order_name}.n{version}"
            yield make(
                stem,
                "uint8",
                version=version,
                order=ORDERS[order_name],
                datatype=datatype,
                expect="error",
                code="ERR_UNSUPPORTED_DTYPE",
            )


def ranks() -> Iterator[Case]:
    """Ranks 1 to 7; trailing axes of size 1; RGB with more axes."""
    accepted = {
        "1d": (7,), "1d-one": (1,), "2d": (5, 4), "3d": (5, 4, 3), "3d-flat": (5, 4, 1), "3d-line": (1, 1, 6),
        "4d": (4, 3, 2, 3), "4d-one": (5, 4, 3, 1), "4d-flat": (4, 3, 1, 5), "5d-vector": (4, 3, 2, 1, 3),
        "5d-one": (4, 3, 2, 1, 1), "5d-flat-vector": (4, 3, 1, 1, 2),
    }  # fmt: skip
    for name, shape in accepted.items():
        for order_name, version in (("le", 1), ("be", 2)):
            stem = f"rank/{name}.{order_name}.n{version}"
            container = ".nii.gz" if version == 2 else ".nii"
            yield make(stem, container=container, shape=shape, version=version, order=ORDERS[order_name])
    refused = {
        "5d-time": (4, 3, 2, 2, 1), "5d-time-vector": (3, 2, 2, 2, 3), "6d-ones": (4, 3, 2, 1, 1, 1),
        "6d-time": (4, 3, 2, 2, 1, 1), "6d": (3, 2, 2, 1, 2, 2), "7d-ones": (4, 3, 2, 1, 1, 1, 1),
        "7d": (2, 3, 1, 1, 1, 1, 2),
    }  # fmt: skip
    for name, shape in refused.items():
        yield make(f"rank/{name}", shape=shape, expect="error", code="ERR_UNSUPPORTED")
    rgb = (("rgb24", (5, 4)), ("rgb24", (7,)), ("rgba32", (5, 4)))
    for dtype, shape in rgb:
        yield make(f"rank/{dtype}-{len(shape)}d", dtype, shape=shape)
    yield make("rank/rgb24-4d-one", "rgb24", shape=(4, 3, 2, 1))
    for dtype, shape in (("rgb24", (4, 3, 2, 2)), ("rgba32", (4, 3, 2, 1, 2))):
        yield make(
            f"rank/{dtype}-{len(shape)}d-many",
            dtype,
            shape=shape,
            expect="error",
            code="ERR_UNSUPPORTED",
            note="colours and channels together have no (C, I, J, K)",
        )
    junk = {"zeros": [3, 5, 4, 3, 0, 0, 0, 0], "junk": [3, 5, 4, 3, 99, -7, 0, 12]}
    for name, dim in junk.items():
        yield make(f"rank/unused-dims-{name}", dim=dim, note="dims beyond dim[0] mean nothing")


def scalings() -> Iterator[Case]:
    """Slope and intercept on every kind of number."""
    nan, inf = np.nan, np.inf
    pairs = {
        "zero": (0, 0), "zero-inter": (0, 5), "nan": (nan, 0), "nan-nan": (nan, nan), "nan-inter": (nan, 5),
        "inf": (inf, 0), "minus-inf": (-inf, 3), "identity": (1, 0), "inter-only": (1, 5), "slope-only": (2, 0),
        "both": (2.5, -3), "negative": (-0.75, 10), "inexact": (0.1, -0.3), "tiny": (1e-30, 0), "large": (3e30, 1),
    }  # fmt: skip
    plain_types = [name for name in CODES if not name.startswith("rgb")]
    for name, (slope, inter) in pairs.items():
        chosen = plain_types if name == "both" else ["int16", "float32", "complex64"]
        if name in ("inexact", "inter-only"):
            chosen = ["int16", "uint8", "float32", "int64", "uint64"]
        for dtype in chosen:
            finite = dtype.startswith("complex")
            yield make(f"scaling/{name}.{dtype}", dtype, finite=finite, scl_slope=slope, scl_inter=inter)
    for dtype in ("int16", "float64", "uint64"):
        yield make(
            f"scaling/doubles.{dtype}.be.n2",
            dtype,
            ".nii.gz",
            version=2,
            order=">",
            scl_slope=0.1,
            scl_inter=-1 / 3,
            note="float64 fields in NIfTI-2",
        )
    for name, slope, inter in (
        ("nan-inter-of-slope", 2.5, nan),
        ("inf-inter-of-slope", 2.5, inf),
        ("nan-inter-of-one", 1, nan),
    ):
        yield make(f"scaling/{name}", scl_slope=slope, scl_inter=inter, expect="error", code="ERR_HEADER")
    yield make(
        "scaling/overflow.int64.n2",
        "int64",
        version=2,
        scl_slope=1e300,
        scl_inter=0,
        differs=("scaled", "valueDtype"),
        note="nibabel widens to the machine's long double where float64 overflows; lazyimg stays with float64 "
        "and gives infinities",
    )
    for dtype in ("rgb24", "rgba32"):
        yield make(
            f"scaling/both.{dtype}",
            dtype,
            scl_slope=2.5,
            scl_inter=-3,
            differs=("slope", "inter"),
            note="NIfTI does not scale RGB, and nibabel fails to multiply; `scaled` is raw",
        )


def quaternions() -> list[tuple[float, float, float]]:
    """(b, c, d) of rotations by exact float32 numbers, whatever the NIfTI version."""
    random = np.random.default_rng(20240229)
    result = []
    for _ in range(8):
        a, b, c, d = random.standard_normal(4)
        length = np.sqrt(a * a + b * b + c * c + d * d) * (1 if a >= 0 else -1)
        result.append(tuple(float(np.float32(value / length)) for value in (b, c, d)))
    return result


def half_turns() -> list[tuple[str, tuple[float, float, float]]]:
    """(b, c, d) of half turns, whose 1 - b2 - c2 - d2 is a rounding error of either sign."""
    random = np.random.default_rng(7)
    found: dict[str, tuple[float, float, float]] = {}
    while len(found) < 2:
        vector = random.standard_normal(3)
        b, c, d = (float(np.float32(value)) for value in vector / np.sqrt((vector**2).sum()))
        rest = 1 - (b * b + c * c + d * d)
        if abs(rest) > 2e-8:
            found.setdefault("negative" if rest < 0 else "positive", (b, c, d))
    return sorted(found.items())


def qform_fields(bcd, code=1, qfac=1.0, pixdim=(2, 2.5, 3), offset=(-30.5, 12.25, 7.75)) -> dict:
    """The header fields of a qform."""
    names = ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")
    fields = dict(zip(names, (*bcd, *offset), strict=True))
    return {"qform_code": code, "pixdim": [qfac, *pixdim, 1, 1, 1, 1], **fields}


def affines() -> Iterator[Case]:
    """Where the affine comes from, and how each source is repaired."""
    u8 = {"dtype": "uint8"}
    turned = (0.5, -0.5, 0.5)
    for number, bcd in enumerate(quaternions()):
        for qfac in (1, -1):
            version, order = (1, "<") if number % 2 == 0 else (2, ">")
            name = f"affine/qform-{number}{'' if qfac > 0 else '-flipped'}.n{version}"
            yield make(name, **u8, version=version, order=order, **qform_fields(bcd, 1 + number % 5, qfac))
    for sign, bcd in half_turns():
        yield make(
            f"affine/qform-half-turn-{sign}.n1",
            **u8,
            **qform_fields(bcd),
            note="1 - b2 - c2 - d2 is within 3 float32 epsilons of 0: a is 0",
        )
        refuse = {"expect": "error", "code": "ERR_HEADER"} if sign == "negative" else {}
        yield make(
            f"affine/qform-half-turn-{sign}.n2",
            **u8,
            version=2,
            **qform_fields(bcd),
            **refuse,
            note="NIfTI-2 allows 3 float64 epsilons only",
        )
    yield make("affine/qform-not-unit", **u8, **qform_fields((1, 1, 0)), expect="error", code="ERR_HEADER")
    yield make(
        "affine/qform-not-unit-with-sform",
        **u8,
        **{**qform_fields((1, 1, 0)), **sform_fields(SFORM)},
        note="a bad qform does not matter where the sform is taken",
    )
    for name, qfac in (("zero", 0), ("two", 2), ("nan", np.nan), ("minus-half", -0.5)):
        yield make(f"affine/qfac-{name}", **u8, **qform_fields(turned, qfac=qfac), note="a bad qfac is 1")
    for name, pixdim in (("negative", (-2, 2.5, -3)), ("zero", (0, 2.5, 3)), ("zero-negative", (2, 0, -3))):
        yield make(f"affine/qform-pixdim-{name}", **u8, **qform_fields(turned, pixdim=pixdim))
    for code in (0, 1, 2, 3, 4, 5, 6, 77, -1):
        for other in (0, 2):
            fields = {**sform_fields(SFORM, code), **qform_fields(turned, other)}
            yield make(f"affine/sform-code-{code}-qform-code-{other}", **u8, **fields)
    for code in (5, 6, -3):
        yield make(f"affine/qform-code-{code}-alone", **u8, **qform_fields(turned, code))
    yield make(
        "affine/both-codes-differ.be.n2",
        **u8,
        version=2,
        order=">",
        **{**sform_fields(SFORM, 4), **qform_fields(turned, 1, -1)},
    )
    yield make("affine/sform-float64.n2", **u8, version=2, **sform_fields(SFORM + np.eye(4) / 3))
    yield make("affine/sform-inexact.n1", **u8, **sform_fields(SFORM + np.eye(4) / 3))
    singular = np.array(SFORM)
    singular[:, 2] = 0
    yield make(
        "affine/sform-singular",
        **u8,
        **sform_fields(singular),
        expect="either",
        code="ERR_HEADER",
        note="nibabel keeps a singular affine",
    )
    yield make(
        "affine/sform-zeros",
        **u8,
        **sform_fields(np.zeros((4, 4))),
        expect="either",
        code="ERR_HEADER",
        note="nibabel keeps a singular affine",
    )
    broken = np.array(SFORM)
    broken[1, 2] = np.nan
    yield make(
        "affine/sform-nan",
        **u8,
        **sform_fields(broken),
        expect="error",
        code="ERR_HEADER",
        note="nibabel keeps an affine with NaN",
    )
    base = {"sform_code": 0, "qform_code": 0}
    shapes = {"odd": (5, 3, 7), "even": (4, 6, 2), "1d": (6,), "2d": (5, 4), "4d": (3, 4, 2, 3), "5d": (3, 4, 2, 1, 3)}
    for name, shape in shapes.items():
        for version in (1, 2):
            yield make(
                f"affine/base-{name}.n{version}",
                **u8,
                shape=shape,
                version=version,
                **base,
                pixdim=[1, 1.1, 2.2, 3.3, 1, 1, 1, 1],
            )
    pixdims = {"negative": (-2, 2.5, -3), "zero": (0, 0, 3), "zero-negative": (-2, 0, 3), "all-zero": (0, 0, 0)}
    for name, pixdim in pixdims.items():
        yield make(
            f"affine/base-pixdim-{name}",
            **u8,
            **base,
            pixdim=[-1, *pixdim, 0, 0, 0, 0],
            note="zero is 1, negative is absolute",
        )
    yield make(
        "affine/base-2d-pixdim-k",
        **u8,
        shape=(5, 4),
        **base,
        pixdim=[1, 2, 3, 9, 1, 1, 1, 1],
        note="below 3D the missing spacings are 1, whatever pixdim says",
    )


def headers() -> Iterator[Case]:
    """Fields that describe, extensions, and repairs of the rest."""
    u8 = {"dtype": "uint8"}
    for code in (0, 1, 2, 3, 8, 10, 16, 17, 18, 19, 24, 26, 32, 34, 40, 42, 48, 50, 5, 7, 56, 64, 66):
        yield make(
            f"header/units-{code}",
            **u8,
            xyzt_units=code,
            note="nibabel knows no such code" if code in (5, 7, 56, 64, 66) else None,
        )
    yield make("header/units-10.be.n2", **u8, version=2, order=">", xyzt_units=10)
    for name, options in {"n1": {}, "be.n2": {"version": 2, "order": ">"}}.items():
        yield make(
            f"header/rich.{name}",
            shape=(4, 3, 2, 3),
            **options,
            pixdim=[-1, 2, 2.5, 3, 1.35, 7, 8, 9],
            xyzt_units=10,
            cal_min=-12.5,
            cal_max=3000.1,
            intent_code=4,
            intent_p1=17.5,
            intent_p2=-2,
            intent_p3=0.1,
            intent_name=b"f statistic",
            descrip=b"A small volume",
            aux_file=b"none.txt",
            dim_info=0b111001,
            slice_code=3,
            slice_start=0,
            slice_end=1,
            slice_duration=0.675,
            toffset=12.5,
        )
        yield make(
            f"header/bytes.{name}",
            **u8,
            **options,
            descrip=bytes(range(0xB0, 0x100)),
            aux_file="Ångström µm".encode("latin-1"),
            intent_name=b"sixteen bytes ok",
            note="latin-1, and no NUL at the end",
        )
        yield make(
            f"header/nul-inside.{name}",
            **u8,
            **options,
            descrip=b"before\0after",
            aux_file="µ→x".encode(),
            note="nibabel keeps what comes after a NUL",
        )
        yield make(
            f"header/nan-fields.{name}",
            **u8,
            **options,
            cal_min=np.nan,
            cal_max=np.inf,
            toffset=-np.inf,
            intent_p1=np.nan,
            slice_duration=np.nan,
            pixdim=[1, 2, 2.5, 3, np.nan, 0, -1, 1],
        )
        yield make(f"header/unknown-codes.{name}", **u8, **options, intent_code=9999, slice_code=42, dim_info=255)
        yield make(f"header/bitpix-wrong.{name}", **options, bitpix=7, note="nibabel goes by the data type")
    for code in (0, 1001, 1007, 2003, 3001):
        yield make(f"header/intent-{code}", **u8, intent_code=code, shape=(3, 2, 2, 1, 3), intent_name=b"vector")
    comment = "made by hand, µ".encode()
    lists = {
        "comment": [(6, comment)],
        "many": [(6, b"first"), (4, b"<AFNI_attributes/>"), (44, b'{"mrs":1}'), (40, bytes(range(1, 200))), (0, b"x"),
                 (1000, b"unknown code"), (6, b"")],
        "nuls": [(6, b"\0inside\0and at the end\0\0\0")],
    }  # fmt: skip
    for name, extensions in lists.items():
        for order_name, version in (("le", 1), ("be", 1), ("le", 2), ("be", 2)):
            options = {"version": version, "order": ORDERS[order_name], "extensions": extensions}
            for container in (".nii", ".nii.gz", ".hdr") if name == "many" else (".nii",):
                kind = {".nii": "single", ".nii.gz": "gz", ".hdr": "pair"}[container]
                yield make(
                    f"header/extensions-{name}.{order_name}.n{version}.{kind}", **u8, container=container, **options
                )
    yield make("header/extensions-gap", **u8, extensions=[(6, comment)], gap=b"\0" * 8)
    head = header_bytes(SHAPE, "uint8", vox_offset=352 + 27)
    odd = b"\1\0\0\0" + struct.pack("<ii", 27, 6) + b"nineteen bytes long"
    yield Case(
        {"header/extensions-odd-size.nii": head + odd + voxel_bytes(values("uint8", SHAPE, DTYPES["uint8"]), "<")},
        note="a size that is no multiple of 16",
    )


def layouts() -> Iterator[Case]:
    """Where the voxels lie, names, and FreeSurfer's way to store long vectors."""
    u8 = {"dtype": "uint8"}
    for version in (1, 2):
        yield make(f"layout/gap-zeros.n{version}", version=version, gap=bytes(672))
        yield make(f"layout/gap-junk.n{version}", version=version, gap=bytes(range(256)))
        yield make(f"layout/unaligned.n{version}", "float64", version=version, gap=b"\0" * 5)
        yield make(f"layout/gap.be.n{version}", "int32", ".nii.gz", version=version, order=">", gap=bytes(100))
        yield make(f"layout/pair-gap.n{version}", container=".hdr", version=version, gap=b"\xaa" * 33)
    yield make("layout/pair-short-header", container=".hdr")
    short = make("layout/pair-348", container=".hdr").files
    yield Case(
        {name: data[:348] if name.endswith(".hdr") else data for name, data in short.items()},
        note="a pair's header may end before the extension flag",
    )
    yield make("layout/pair-half-gz", container=".hdr+.img.gz", note="nibabel opens it when given both names")
    single = make("layout/trailing-bytes").files
    yield Case({name: data + b"after the voxels" for name, data in single.items()}, note="bytes after the voxels")
    yield make("layout/fraction", vox_offset=352.75, note="nibabel truncates vox_offset")
    for stem, container in (("NAME-NII", ".nii"), ("NAME-GZ", ".nii.gz"), ("NAME-PAIR", ".hdr")):
        files = make(stem, **u8, container=container).files
        renamed = {f"layout/{stem}{name.removeprefix(stem).upper()}": data for name, data in files.items()}
        yield Case(renamed, note="names match without regard to case")
    yield make("layout/name with spaces & #1%20", **u8)
    yield make(
        "layout/single-pair-magic",
        magic=b"ni1",
        expect="either",
        code="ERR_HEADER",
        note="a single file that calls itself a pair; nibabel goes by the name",
    )
    yield make(
        "layout/pair-single-magic",
        container=".hdr",
        magic=b"n+1",
        expect="either",
        code="ERR_HEADER",
        note="a pair that calls itself a single file; nibabel goes by the name",
    )
    vector = values("int16", (11, 1, 1), DTYPES["int16"])
    for name, options in {"le": {}, "be": {"order": ">"}}.items():
        yield Case(
            nifti_files(f"layout/freesurfer-vector.{name}", vector, "int16", glmin=11, shape=(-1, 1, 1), **options),
            note="dim[1] is -1 and glmin the length",
        )
    frames = values("float32", (11, 1, 1, 3), DTYPES["float32"])
    yield Case(nifti_files("layout/freesurfer-frames", frames, "float32", ".nii.gz", glmin=11, shape=(-1, 1, 1, 3)))
    yield Case(
        nifti_files("layout/freesurfer-base", vector, "int16", glmin=11, shape=(-1, 1, 1), sform_code=0),
        note="nibabel's base affine goes by dim[1] = -1, not by glmin",
    )
    surface = (np.arange(163842) % 251).astype("u1").reshape(163842, 1, 1)
    yield Case(
        nifti_files("layout/freesurfer-ico7", surface, "uint8", ".nii.gz", shape=(27307, 1, 6)),
        note="(27307, 1, 6) stands for (163842, 1, 1)",
    )


def gzips() -> Iterator[Case]:
    """One image, in each way that gzip may hold it."""
    image = b"".join(make("x", "int16", shape=(9, 8, 7)).files.values())
    middle = 700
    ways = {
        "stored": gzip_member(image, level=0),
        "fixed": gzip_member(image, strategy=zlib.Z_FIXED),
        "huffman": gzip_member(image, strategy=zlib.Z_HUFFMAN_ONLY),
        "fast": gzip_member(image, level=1),
        "best": gzip_member(image, level=9),
        "named": gzip_member(image, name=b"scan.nii"),
        "all-fields": gzip_member(image, extra=b"AB\x02\0xy", name=b"scan.nii", comment=b"a comment", hcrc=True),
        "two-members": gzip_member(image[:middle]) + gzip_member(image[middle:], name=b"second"),
        "split-in-header": gzip_member(image[:100]) + gzip_member(image[100:]),
        "empty-members": gzip_member(b"") + gzip_member(image[:middle]) + gzip_member(b"") + gzip_member(image[middle:])
        + gzip_member(b""),
        "many-members": b"".join(gzip_member(image[at : at + 97]) for at in range(0, len(image), 97)),
        "zero-padding": gzip_member(image) + bytes(512),
    }  # fmt: skip
    for name, data in ways.items():
        yield Case({f"gzip/{name}.nii.gz": data})


GROUPS = (dtypes, ranks, scalings, affines, headers, layouts, gzips)
FOLDERS = ("dtype", "rank", "scaling", "affine", "header", "layout", "gzip")
OWNS = ("nifti/cases.json", "nifti/arrays.json", *(f"nifti/{folder}" for folder in FOLDERS))


def vector(case: Case, root: Path, arrays: Arrays) -> dict:
    """The JSON of one case, whose files are already under `root`."""
    names = list(case.files)
    paths = [root / name for name in names]
    result: dict = {"expect": case.expect, "files": names, "name": names[0]}
    if case.code:
        result["code"] = case.code
    if case.note:
        result["note"] = case.note
    if case.expect == "error":
        return {**result, "nibabel": attempt(paths, root)}
    if case.differs:
        result["differs"] = list(case.differs)
    try:
        described = describe(load(paths), arrays)
    except Exception as error:
        raise RuntimeError(f"nibabel refuses {names[0]}") from error
    for member in case.differs:
        if member not in ("slope", "inter"):
            described.pop(member)
    return {**result, **described}


def generate(out: Path) -> None:
    """Writes the files, `nifti/cases.json` and `nifti/arrays.json` under `out`."""
    root = out / "nifti"
    arrays = Arrays()
    vectors = []
    for group in GROUPS:
        for case in group():
            for name, data in case.files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.exists():
                    raise RuntimeError(f"two cases write {name}")
                path.write_bytes(data)
            vectors.append(vector(case, root, arrays))
    write_json(root / "cases.json", {"cases": vectors, "nibabel": nib.__version__})
    write_json(root / "arrays.json", {"arrays": arrays.table})
