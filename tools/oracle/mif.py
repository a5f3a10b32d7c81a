#!/usr/bin/env python3
"""Writes the golden vectors of MRtrix images, by mrconvert and nibabel: `tests/golden/mif/`.

    python tools/oracle/mif.py            # write them again
    python tools/oracle/mif.py --check    # change nothing; fails when a byte differs

Needs mrconvert 3.0.3 (Debian: `apt-get install --no-install-recommends mrtrix3`). Runs itself in a virtual environment
of its own with what `requirements-mif.txt` pins.

mrconvert writes the files, but for headers that it reads and never writes. What is in them is what mrconvert makes of
them as NIfTI, axes as the header has them, read by nibabel.
"""

import base64
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import golden, inside
from values import whole_range

# Turning axes toward RAS is what the program does, not what the file says.
PLAIN = ["-quiet", "-force", "-config", "RealignTransform", "false"]


def mrconvert(*arguments):
    """Runs mrconvert in the current folder."""
    subprocess.run(["mrconvert", *PLAIN, *arguments], check=True)


def volume(dtype, shape):
    """Values over the whole range of the type."""
    import numpy as np

    return whole_range(dtype, int(np.prod(shape))).reshape(shape, order="F")


def save(array, path):
    """A NIfTI file with an oblique affine."""
    import nibabel as nib
    import numpy as np

    rotation = np.linalg.qr(np.array([[-1, 0.1, 0], [0.1, 1, -0.2], [0, 0.3, 1]]))[0]
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([2, 2.5, 3])
    affine[:3, 3] = 90, -126, -72
    nib.save(nib.Nifti1Image(array, affine, dtype=array.dtype), path)


def written():
    """Files that mrconvert writes, in the current folder."""
    kinds = {
        "Int8": "i1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2", "Int32": "i4", "UInt32": "u4",
        "Int64": "i8", "UInt64": "u8", "Float32": "f4", "Float64": "f8", "CFloat32": "c8", "CFloat64": "c16",
    }  # fmt: skip
    for name, kind in kinds.items():
        save(volume(kind, (3, 4, 2)), "in.nii")
        for order in [""] if name.endswith("Int8") else ["LE", "BE"]:
            mrconvert("in.nii", f"{name}{order}.mif", "-datatype", f"{name}{order}".lower())
    save((volume("i2", (5, 3, 7)) > 0).astype("u1"), "in.nii")
    mrconvert("in.nii", "Bit.mif", "-datatype", "bit", "-strides", "-1,3,2")
    save(volume("i2", (3, 4, 5)), "in.nii")
    for n, strides in enumerate(["1,2,3", "-1,-2,-3", "3,1,2", "-2,3,-1"]):
        mrconvert("in.nii", f"layout-{n}.mif", "-strides", strides)
    mrconvert("in.nii", "scaled.mif", "-scaling", "-3,0.5")
    mrconvert("in.nii", "gzipped.mif.gz", "-strides", "-3,2,1")
    mrconvert("in.nii", "pair.mih", "-strides", "2,-1,3")
    save(volume("u2", (3, 4, 2, 5)), "in.nii")
    for n, strides in enumerate(["1,2,3,4", "2,3,4,1", "-2,-3,4,-1", "-4,1,3,-2"]):
        mrconvert("in.nii", f"volumes-{n}.mif", "-strides", strides)


IDENTITY = "transform: 1,0,0,0\ntransform: 0,1,0,0\ntransform: 0,0,1,0\n"
DYADIC = "transform: -0.5,0.25,0,90.5\ntransform: 0.25,0.75,-0.125,-126\ntransform: 0,0.125,1,-72.25\n"
HEADERS = {
    "dyadic": ("2,3,4", "2,2.5,3", "-0,+2,-1", DYADIC),
    "no-transform": ("2,3,4", "2,3,4", "+0,+1,+2", ""),
    "transform-nan": ("2,3,4", "2,3,4", "+0,+1,+2", DYADIC.replace("0.75", "nan")),
    "vox-nan": ("2,3,4", "nan,3,4", "+0,+1,+2", ""),
    "vox-all-nan": ("2,3,4", "nan,nan,nan", "+0,+1,+2", IDENTITY),
    "two-axes": ("4,6", "2,3", "+1,-0", ""),
    "one-axis": ("24", "2", "-0", ""),
    "five-axes": ("2,3,2,1,2", "2,3,4,nan,nan", "+0,-1,+4,+2,-3", ""),
    "no-signs": ("2,3,4", "2,3,4", "0,1,2", ""),
    "comments": ("2,3,4 # dim: 1", "2,3,4", "+0,+1,+2", "a line\n# END\n\ncomments: one # two\ncomments: three\n"),
    "capitals": (
        "2,3,4",
        "2,3,4",
        "+0,+1,+2",
        "Transform: 1,0,0,1\nTRANSFORM: 0,1,0,2\ntransform: 0,0,1,3\nLabels: x\n",
    ),
    "scaling": ("2,3,4", "2,3,4", "+0,+1,+2", "scaling: 10,-0.25\n"),
}


def handmade(name, dim, vox, layout, rest):
    """A file whose header MRtrix reads but does not write."""
    text = f"mrtrix image\ndim: {dim}\nvox: {vox}\nlayout: {layout}\ndatatype: Int16LE\n{rest}file: . 400\nEND\n"
    Path(f"{name}.mif").write_bytes(text.encode().ljust(400, b"\0") + volume("<i2", (24,)).tobytes())


def expected(path):
    """What mrconvert and nibabel make of a file: (C, I, J, K) in C order, little-endian."""
    import nibabel as nib
    import numpy as np

    mask = ["-datatype", "uint8"] if path.name == "Bit.mif" else []
    mrconvert(path.name, "out.nii", "-strides", "1,2,3,4,5", *mask)
    image = nib.load("out.nii")

    def fact(values):
        values = np.asarray(values)
        axes = (*values.shape, 1, 1)[:3]
        values = values.reshape(*axes, -1, order="F").transpose(3, 0, 1, 2)
        little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<")))
        data = base64.b64encode(little.tobytes()).decode()
        return {"dtype": values.dtype.name, "shape": list(values.shape), "data": data}

    proxy = image.dataobj
    scaled = (proxy.slope, proxy.inter) != (1, 0)
    return {
        "affine": image.affine.ravel().tolist(),
        "stored": fact(proxy.get_unscaled()),
        **({"scaled": fact(proxy)} if scaled else {}),
    }


def files():
    """Every file of the folder, by name."""
    made, facts = {}, {}
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            written()
            for name, header in HEADERS.items():
                handmade(name, *header)
            for path in sorted(Path().iterdir()):
                if path.suffix in (".mif", ".mih", ".gz"):
                    facts[path.name] = expected(path)
                if path.suffix != ".nii":
                    made[path.name] = path.read_bytes()
        finally:
            os.chdir(before)
    # The deflate stream may be another implementation's; what it holds may not.
    inner = gzip.decompress(made["gzipped.mif.gz"])
    made["gzipped.mif.gz"] = gzip.compress(inner, mtime=0)
    made["expected.json"] = (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode()
    return made


if __name__ == "__main__":
    inside(Path(__file__).with_name("requirements-mif.txt"))
    sys.exit(golden("mif", files(), check="--check" in sys.argv))
