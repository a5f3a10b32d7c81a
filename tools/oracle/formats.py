#!/usr/bin/env python3
"""Writes the golden vectors of MGH, NRRD and MetaImage: `tests/golden/{mgh,nrrd,metaimage}/`.

    python tools/oracle/formats.py            # write them again
    python tools/oracle/formats.py --check    # change nothing; fails when a byte differs

nibabel writes and reads MGH; pynrrd and SimpleITK write and read NRRD; SimpleITK writes and reads MetaImage. Files that
none of them writes are put together here, and read by them. Runs itself in a virtual environment of its own with what
`requirements-formats.txt` pins.
"""

import base64
import gzip
import json
import os
import sys
import tempfile
import warnings
import zlib
from pathlib import Path

from environment import golden, inside
from values import whole_range

# Oblique, sheared nowhere, anisotropic, few bits: products and sums are exact.
DIRECTION = [0.0, -0.8, 0.6, 1.0, 0.0, 0.0, 0.0, 0.6, 0.8]
SPACING = [1.5, 2.0, 2.5]
ORIGIN = [10.25, -20.5, 30.75]


def volume(dtype, shape):
    """Values over the whole range of the type."""
    import numpy as np

    return whole_range(dtype, int(np.prod(shape)), np.nan, -np.inf).reshape(shape)


def facts(channels_first, affine, **more):
    """What an image of it is: (C, I, J, K) in C order, little-endian, and 16 numbers."""
    import numpy as np

    values = np.ascontiguousarray(channels_first)
    little = values.astype(values.dtype.newbyteorder("<"))
    if little.dtype.kind in "fc":
        # Every NaN the canonical one.
        parts = little.view(little.real.dtype)
        parts[np.isnan(parts)] = np.nan
    return {
        "shape": list(values.shape),
        "dtype": values.dtype.name,
        "affine": [0.0 + float(value) for value in np.asarray(affine).ravel()],
        "data": base64.b64encode(little.tobytes()).decode(),
        **more,
    }


def in_folder(files, read, name):
    """Writes files into a folder of their own and reads one of them."""
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            (Path(folder) / file).write_bytes(content)
        return read(str(Path(folder) / name))


def written(write, name):
    """The files that `write` leaves when it is given a path."""
    with tempfile.TemporaryDirectory() as folder:
        write(str(Path(folder) / name))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def mgh():
    """Every file of `mgh/`."""
    import nibabel as nib
    import numpy as np

    affine = np.eye(4)
    affine[:3, :3] = np.reshape(DIRECTION, (3, 3)) * SPACING
    affine[:3, 3] = ORIGIN
    made, cases = {}, {}

    def add(name, data, *, good=True, dof=0, footer=True):
        image = nib.MGHImage(data, affine)
        image.header["dof"] = dof
        for field, value in {"tr": 2000, "flip_angle": 0.5, "te": 3.25, "ti": 900, "fov": 256}.items():
            image.header[field] = value
        content = bytearray(image.to_bytes())
        if not good:
            content[28:30] = bytes(2)
        if not footer:
            del content[284 + data.nbytes :]
        content = bytes(content)
        read = nib.MGHImage.from_bytes(content)
        values = np.asarray(read.dataobj)
        channels = values[None] if values.ndim == 3 else np.moveaxis(values, 3, 0)
        # Where the file says nothing, nibabel takes the transpose of FreeSurfer's axes.
        place = read.affine if good else freesurfer_default(read.header["dims"][:3])
        header = {field: float(read.header[field]) for field in ("tr", "flip_angle", "te", "ti", "fov")}
        made[name] = gzip.compress(content, mtime=0) if name.endswith("z") else content
        cases[name] = facts(channels, place, dof=dof, footer=header if footer else None)

    for kind in ("u1", "i2", "u2", "i4", "f4"):
        add(f"{kind}.mgh", volume(f">{kind}", (3, 4, 5)))
    add("frames.mgh", volume(">i2", (3, 4, 5, 2)), dof=7)
    add("flat.mgh", volume(">i2", (3, 4, 1)))
    add("unplaced.mgh", volume(">i2", (3, 4, 5)), good=False)
    add("no-footer.mgh", volume(">f4", (3, 4, 5)), footer=False)
    add("gzipped.mgz", volume(">f4", (3, 4, 5, 2)))
    return made, cases


def freesurfer_default(sizes):
    """Voxel to RAS of a volume that does not say where it is: 1 mm, axes to the left, inferior and anterior."""
    import numpy as np

    affine = np.eye(4)
    affine[:3, :3] = [[-1, 0, 0], [0, 0, 1], [0, -1, 0]]
    affine[:3, 3] = -affine[:3, :3] @ np.asarray(sizes, dtype=float) / 2
    return affine


def by_itk(path):
    """What SimpleITK reads: voxels as (C, I, J, K), voxel to RAS+."""
    import numpy as np
    import SimpleITK as sitk

    image = sitk.ReadImage(path)
    axes = image.GetDimension()
    values = sitk.GetArrayFromImage(image)
    vector = image.GetNumberOfComponentsPerPixel() > 1
    # SimpleITK has components last, and I just before.
    values = np.moveaxis(values, -1, 0) if vector else values[None]
    values = values.transpose(0, *range(values.ndim - 1, 0, -1))
    if axes == 4:
        values = np.moveaxis(values[0], 3, 0)
    values = values.reshape(*values.shape, *[1] * (4 - values.ndim))
    affine = np.eye(4)
    place = np.reshape(image.GetDirection(), (axes, axes)) * image.GetSpacing()
    most = min(axes, 3)
    affine[:most, :most] = place[:most, :most]
    affine[:most, 3] = image.GetOrigin()[:most]
    return values, np.diag([-1, -1, 1, 1]) @ affine


def nrrd():
    """Every file of `nrrd/`."""
    import nrrd as pynrrd
    import numpy as np

    made, cases = {}, {}

    def add(name, files, *, channels=None, affine=None, values=None):
        made.update(files)
        if affine is None:
            read, place = in_folder(files, by_itk, name)
        else:
            # What SimpleITK refuses, or does not turn: as pynrrd reads it, placed as the format says.
            raw = in_folder(files, pynrrd.read, name)[0] if values is None else values
            read = np.moveaxis(raw, channels, 0) if channels is not None else raw[None]
            read, place = read.reshape(*read.shape, *[1] * (4 - read.ndim)), affine
        cases[name] = facts(read, place)

    def text(fields, body, version=5):
        lines = [f"NRRD000{version}", *(f"{name}: {value}" for name, value in fields.items())]
        return "\n".join([*lines, "", ""]).encode() + body

    def stated(data, **more):
        kinds = {"i2": "short", "u1": "uchar", "f4": "float", "f8": "double", "i8": "int64"}
        return {
            "type": kinds[data.dtype.str[1:]],
            "dimension": data.ndim,
            "sizes": " ".join(map(str, data.shape)),
            "endian": "big" if data.dtype.byteorder == ">" else "little",
            "encoding": "raw",
            **{name.replace("_", " "): value for name, value in more.items()},
        }

    def raw(data):
        return data.tobytes(order="F")

    # By pynrrd: types, byte orders, encodings, attached and detached.
    space = {
        "space": "left-posterior-superior",
        "space directions": np.reshape(DIRECTION, (3, 3)).T * np.reshape(SPACING, (3, 1)),
        "space origin": np.array(ORIGIN),
        "kinds": ["domain"] * 3,
    }
    for order, word in (("<", "little"), (">", "big")):
        for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"):
            data = volume(order + kind, (3, 4, 5))
            options = {"header": {**space, "endian": word, "encoding": "raw"}}
            write = lambda path, data=data, options=options: pynrrd.write(path, data, **options)  # noqa: E731
            add(f"{kind}-{word}.nrrd", timeless(written(write, f"{kind}-{word}.nrrd")))
    for name, encoding in (("gzip.nrrd", "gzip"), ("detached.nhdr", "raw"), ("detached-gzip.nhdr", "gzip")):
        header = {**space, "encoding": encoding, "my key": "its value"}
        write = lambda path, header=header: pynrrd.write(path, volume("<i2", (3, 4, 5)), header)  # noqa: E731
        add(name, timeless(written(write, name)))

    # Worlds.
    volume3 = volume("<i2", (3, 4, 5))
    vectors = {"space_directions": "(1.5,0,0.25) (0,2,0) (0,0.5,2.5)", "space_origin": "(1,-2,3)"}
    for world in ("RAS", "LAS", "LPS", "right-anterior-superior", "left-anterior-superior", "scanner-xyz"):
        add(f"{world}.nrrd", {f"{world}.nrrd": text(stated(volume3, space=world, **vectors), raw(volume3))})
    for world in ("3D-right-handed", "3D-left-handed"):
        add(f"{world}.nrrd", {f"{world}.nrrd": text(stated(volume3, space=world, **vectors), raw(volume3))})
    plain = {
        "dimension-3": {"space_dimension": 3, **vectors},
        "no-origin": {"space": "RAS", "space_directions": vectors["space_directions"]},
        "no-directions": {"space": "RAS", "space_origin": "(1,-2,3)"},
        "nothing": {},
        "spacings": {"spacings": "1.5 2 2.5"},
        "mins": {"spacings": "1.5 2 2.5", "axis_mins": "10 20 30"},
        "nodes": {"spacings": "1.5 2 2.5", "axismins": "10 20 30", "centerings": "node node node"},
        "cells": {"spacings": "1.5 2 2.5", "axis_mins": "10 20 30", "centers": "cell cell cell"},
        "thick": {"spacings": "1.5 2 2.5", "thicknesses": "nan nan 3", "units": '"mm" "mm" "mm"'},
    }
    for name, more in plain.items():
        add(f"{name}.nrrd", {f"{name}.nrrd": text(stated(volume3, **more), raw(volume3))})
    ras = np.array([[1.5, 0, 0, 1], [0, 2, 0.5, -2], [0.25, 0, 2.5, 3], [0, 0, 0, 1]])
    timed = volume("<i2", (3, 4, 5, 2))
    through = {
        "space_directions": "(1.5,0,0.25,0) (0,2,0,0) (0,0.5,2.5,0) (0,0,0,3)",
        "space_origin": "(1,-2,3,4)",
    }
    for world, signs in (("RAST", [1, 1, 1, 1]), ("left-posterior-superior-time", [-1, -1, 1, 1])):
        name = f"{world}.nrrd"
        content = text(stated(timed, space=world, **through), raw(timed))
        add(name, {name: content}, channels=3, affine=np.diag(signs) @ ras, values=timed)

    # Axes.
    along = vectors["space_directions"]
    first = volume("<i2", (2, 3, 4, 5))
    for name, data, more in (
        ("vector-first", first, {"kinds": "vector domain domain domain", "space_directions": f"none {along}"}),
        ("list-last", timed, {"kinds": "space space space list", "space_directions": f"{along} none"}),
        (
            "list-between",
            volume("<i2", (3, 2, 4, 5)),
            {"kinds": "space list space space", "space_directions": "(1.5,0,0.25) none (0,2,0) (0,0.5,2.5)"},
        ),
    ):
        fields = stated(data, space="RAS", space_origin="(1,-2,3)", **more)
        add(f"{name}.nrrd", {f"{name}.nrrd": text(fields, raw(data))})
    fields = stated(first, space="RAS", space_origin="(1,-2,3)", space_directions=f"none {along}")
    content = {"no-kinds.nrrd": text(fields, raw(first))}
    add("no-kinds.nrrd", content, channels=0, affine=ras, values=first)
    color = volume("u1", (3, 2, 4, 5))
    add("color.nrrd", {"color.nrrd": text(stated(color, kinds="RGB-color domain domain domain"), raw(color))})
    add("time.nrrd", {"time.nrrd": text(stated(timed, kinds="domain domain domain time"), raw(timed))})
    add("four.nrrd", {"four.nrrd": text(stated(timed), raw(timed))})
    for kind in ("f4", "f8"):
        parts = volume(f">{kind}", (2, 3, 4, 5))
        name = f"complex-{kind}.nrrd"
        add(name, {name: text(stated(parts, kinds="complex domain domain domain"), raw(parts))})
    plane = volume("<i2", (4, 5))
    flat = {"space_dimension": 2, "space_directions": "(2,0.5) (0,3)", "space_origin": "(5,6)"}
    add("plane.nrrd", {"plane.nrrd": text(stated(plane, spacings="2 3"), raw(plane))})
    add("plane-2d.nrrd", {"plane-2d.nrrd": text(stated(plane, **flat), raw(plane))})
    tilted = np.array([[2, 0, 0, 5], [0, 0, -1, 6], [0, 3, 0, 7], [0, 0, 0, 1]])
    fields = stated(plane, space="RAS", space_directions="(2,0,0) (0,0,3)", space_origin="(5,6,7)")
    add("plane-3d.nrrd", {"plane-3d.nrrd": text(fields, raw(plane))}, affine=tilted, values=plane)

    # Where voxels are.
    body = raw(volume3)
    packed = gzip.compress(body, mtime=0)
    for name, more, content in (
        ("skip.nrrd", {"line_skip": 2, "byte_skip": 3}, b"a\nb\n123" + body),
        ("from-end.nrrd", {"byte_skip": -1}, b"what is before" + body),
        ("skip-gzip.nrrd", {"encoding": "gz", "lineskip": 2}, b"a\nb\n" + packed),
        ("skip-in-gzip.nrrd", {"encoding": "gzip", "byteskip": 7}, gzip.compress(b"1234567" + body, mtime=0)),
        ("more.nrrd", {}, body + b"what is behind"),
    ):
        add(name, {name: text(stated(volume3, **more), content)})
    for name, more, content in (
        ("elsewhere.nhdr", {"data_file": "./elsewhere.raw", "byte_skip": 5}, b"12345" + body),
        ("at-end.nhdr", {"datafile": "at-end.raw", "byte_skip": -1}, b"123" + body),
    ):
        # A header alone needs no empty line.
        head = text(stated(volume3, **more), b"")
        add(name, {name: head, f"{name[:-5]}.raw": content})
    shouting = text({name.upper(): value for name, value in stated(volume3).items()}, body, version=1)
    add("capitals.nrrd", {"capitals.nrrd": shouting})
    lines = text(stated(volume3), b"", version=4).replace(b"type", b"# of whom\nkey:=a\\nb:=c\ntype")
    add("line-ends.nrrd", {"line-ends.nrrd": lines.replace(b"\n", b"\r\n") + body})
    return made, cases


def timeless(files):
    """Files by pynrrd without the comment that says when they were written."""
    result = {}
    for name, content in files.items():
        head, end, body = content.partition(b"\n\n")
        lines = [line for line in head.split(b"\n") if not line.startswith(b"#")]
        result[name] = b"\n".join(lines) + end + body if head.startswith(b"NRRD") else content
    return result


def metaimage():
    """Every file of `metaimage/`."""
    import numpy as np
    import SimpleITK as sitk

    made, cases = {}, {}

    def add(name, files):
        made.update(files)
        read, place = in_folder(files, by_itk, name)
        cases[name] = facts(read, place)

    def image(data, vector=False):
        # SimpleITK's arrays have the slowest axis first.
        result = sitk.GetImageFromArray(data, isVector=vector)
        axes = result.GetDimension()
        direction = np.eye(axes)
        if axes > 2:
            direction[:3, :3] = np.reshape(DIRECTION, (3, 3))
        result.SetDirection(direction.ravel().tolist())
        result.SetSpacing([*SPACING, 4.0][:axes])
        result.SetOrigin([*ORIGIN, 5.0][:axes])
        return result

    def wrote(name, *arguments, compress=False):
        made_image = image(*arguments)
        add(name, written(lambda path: sitk.WriteImage(made_image, path, useCompression=compress), name))

    for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"):
        wrote(f"{kind}.mha", volume(kind, (5, 4, 3)))
    short = volume("i2", (5, 4, 3))
    wrote("compressed.mha", short, compress=True)
    wrote("detached.mhd", short)
    wrote("detached-compressed.mhd", short, compress=True)
    wrote("vector.mha", volume("f4", (5, 4, 3, 2)), True)
    wrote("color.mha", volume("u1", (5, 4, 2, 3)), True)
    wrote("color-compressed.mha", volume("u1", (5, 4, 2, 3)), True, compress=True)
    wrote("time.mha", volume("i2", (2, 5, 4, 3)))
    wrote("plane.mha", volume("i2", (5, 4)))

    # What SimpleITK reads and does not write.
    def text(data_file="LOCAL", **more):
        tags = {"ObjectType": "Image", "NDims": 3, "BinaryData": True, "DimSize": "3 4 5", "ElementType": "MET_SHORT"}
        lines = {**tags, **more, "ElementDataFile": data_file}
        return "".join(f"{name} = {value}\n" for name, value in lines.items()).encode()

    body = short.astype("<i2").tobytes()
    packed = zlib.compress(body)
    turned = {"Offset": "1 -2 3", "ElementSpacing": "1.5 2 2.5"}
    matrix = "0 1 0 -0.8 0 0.6 0.6 0 0.8"
    attached = {
        "plain": (text(), body),
        "big-endian": (text(ElementByteOrderMSB=True), short.astype(">i2").tobytes()),
        "big-endian-too": (
            text(BinaryDataByteOrderMSB="True", ElementByteOrderMSB="True"),
            short.astype(">i2").tobytes(),
        ),
        "rotation": (text(Rotation=matrix, **turned), body),
        "orientation": (text(Orientation=matrix, Origin="1 -2 3", Position="4 5 6"), body),
        "ignored": (
            text(TransformMatrix=matrix, CenterOfRotation="5 6 7", AnatomicalOrientation="RAI", **turned),
            body,
        ),
        "position": (text(Position="1 -2 3", ElementSize="1.5 2 2.5"), body),
        "both-sizes": (text(ElementSize="1 1 1", ElementSpacing="1.5 2 2.5"), body),
        "negative-spacing": (text(ElementSpacing="-1.5 2 2.5"), body),
        "long": (text(ElementType="MET_LONG"), short.astype("<i4").tobytes()),
        "ulong": (text(ElementType="MET_ULONG"), short.astype("<u4").tobytes()),
        "array": (text(ElementType="MET_SHORT_ARRAY", ElementNumberOfChannels=2, DimSize="3 2 5"), body),
        "header-size": (text(HeaderSize=300), b"x" * (300 - len(text(HeaderSize=300))) + body),
        "from-end": (text(HeaderSize=-1), b"what is before" + body),
        "more-behind": (text(CompressedData=True, CompressedDataSize=len(packed)), packed + b"what is behind"),
        "colons": (text().replace(b" =", b":"), body),
        "line-ends": (text(Comment="a = b").replace(b"\n", b"\r\n"), body),
        "slope": (text(ElementToIntensityFunctionSlope=2, ElementToIntensityFunctionOffset=5), body),
    }
    for name, (head, content) in attached.items():
        add(f"{name}.mha", {f"{name}.mha": head + content})
    for name, more, content in (
        ("skipping", {"HeaderSize": 3}, b"123" + body),
        ("at-end", {"HeaderSize": -1}, b"123" + body),
    ):
        add(f"{name}.mhd", {f"{name}.mhd": text(f"./{name}.raw", **more), f"{name}.raw": content})
    return made, cases


def main():
    """Writes or compares the three folders."""
    check = "--check" in sys.argv[1:]
    warnings.simplefilter("ignore")
    codes = []
    for make in (mgh, nrrd, metaimage):
        made, cases = make()
        made["cases.json"] = (json.dumps(cases, indent=1, sort_keys=True) + "\n").encode()
        codes.append(golden(make.__name__, made, check=check))
    return max(codes)


if __name__ == "__main__":
    inside(Path(__file__).resolve().parent / "requirements-formats.txt")
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    sys.exit(main())
