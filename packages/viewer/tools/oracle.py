"""Writes the tests' images and what nibabel says about them: test/fixtures/.

    python3 tools/oracle.py            writes everything again
    python3 tools/oracle.py --check    changes nothing; fails when a byte differs

Runs in the environment of the repository's own oracle, tools/oracle/.venv, which it makes when it is missing.
"""

import gzip
import json
import os
import pathlib
import sys
import tempfile

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = PACKAGE / "test" / "fixtures"

sys.path.insert(0, str(PACKAGE.parent.parent / "tools" / "oracle"))

try:
    import nibabel as nib
    import numpy as np
except ImportError:
    import run

    os.execv(str(run.python()), [str(run.python()), __file__, *sys.argv[1:]])

from nibabel.affines import apply_affine
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform

# Balls in the world: their centres and radii in millimetres. The base image is bright in them, and the labels are there.
BALLS = [((-18.0, 12.0, 9.0), 11.0), ((15.0, -16.0, -8.0), 9.0), ((4.0, 20.0, -16.0), 7.0)]

# How each plane lies on the screen: the axes that run across the screen to the right, down, and into it.
VIEWS = {
    "radiological": {"axial": "LPS", "coronal": "LIA", "sagittal": "PIR"},
    "neurological": {"axial": "RPS", "coronal": "RIA", "sagittal": "PIR"},
}


def rotation(x, y, z):
    """A rotation by degrees about x, then y, then z."""
    result = np.eye(3)
    for axis, degrees in enumerate((x, y, z)):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turn = np.eye(3)
        i, j = [(1, 2), (0, 2), (0, 1)][axis]
        turn[i, i], turn[j, j], turn[i, j], turn[j, i] = c, c, -s, s
        result = turn @ result
    return result


def affine_of(turn, spacing, shape, centre=(0.0, 0.0, 0.0)):
    """An affine that puts the middle of the grid at `centre`, as exactly as a header keeps it."""
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(spacing)
    affine[:3, 3] = np.asarray(centre) - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return affine.astype(np.float32).astype(np.float64)


def grid(shape):
    return np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)


def ball_labels(shape, affine):
    world = apply_affine(affine, grid(shape))
    labels = np.zeros(shape, np.uint8)
    for number, (centre, radius) in enumerate(BALLS, 1):
        labels[np.linalg.norm(world - centre, axis=-1) <= radius] = number
    return labels


def save(folder, name, image):
    data = image.to_bytes()
    # No time, no name: the same bytes every time.
    (folder / name).write_bytes(gzip.compress(data, 9, mtime=0) if name.endswith(".gz") else data)


def nifti(data, affine, slope=None, inter=None):
    image = nib.Nifti1Image(data, affine)
    image.header.set_slope_inter(slope, inter)
    image.set_sform(affine, 1)
    image.set_qform(None, 0)
    return image


def facts(path, rng, overlay=None):
    """What nibabel reads at some voxels."""
    image = nib.load(path)
    shape = image.shape
    values = np.asarray(image.dataobj)
    voxels = [tuple(int(rng.integers(n)) for n in shape[:3]) for _ in range(40)]
    voxels += [(0, 0, 0), tuple(n - 1 for n in shape[:3])]
    for centre, _ in BALLS:
        nearest = np.rint(apply_affine(np.linalg.inv(image.affine), centre)).astype(int)
        if all(0 <= at < n for at, n in zip(nearest, shape)):
            voxels.append(tuple(int(at) for at in nearest))
    samples = []
    for voxel in voxels:
        value = values[voxel]
        value = [int(part) for part in value] if values.dtype.names else np.atleast_1d(value).tolist()
        sample = {"voxel": voxel, "world": apply_affine(image.affine, voxel).tolist(), "value": value}
        if overlay is not None:
            place = apply_affine(np.linalg.inv(overlay.affine) @ image.affine, voxel)
            # Which voxel is nearest is not to depend on the last bit.
            if np.any(np.abs(place - np.floor(place) - 0.5) < 0.01):
                continue
            at = tuple(np.rint(place).astype(int))
            is_inside = all(0 <= a < n for a, n in zip(at, overlay.shape))
            sample["label"] = int(np.asarray(overlay.dataobj)[at]) if is_inside else None
        samples.append(sample)
    return {"axes": "".join(nib.aff2axcodes(image.affine)), "shape": shape, "samples": samples}


def planes():
    """Where nibabel finds voxels when it turns an image so that its axes run as those of a screen."""
    rng = np.random.default_rng(6)
    cases = []
    for codes in ("RAS", "LPS", "LAS", "PIR", "SRA", "ILP", "ASL", "RPI", "IAR", "PSL"):
        shape = tuple(int(n) for n in rng.permutation([4, 5, 6]))
        turn = np.zeros((3, 3))
        for axis, code in enumerate(codes):
            world = ["LR", "PA", "IS"]
            row = next(n for n, pair in enumerate(world) if code in pair)
            turn[row, axis] = 1 if code == world[row][1] else -1
        oblique = rotation(*(int(a) for a in rng.integers(-25, 26, 3))) if len(cases) % 2 else np.eye(3)
        affine = affine_of(oblique @ turn, (1.0, 2.0, 1.5), shape)
        numbers = np.arange(np.prod(shape)).reshape(shape)
        views = {}
        for convention, names in VIEWS.items():
            for name, axes in names.items():
                to = ornt_transform(io_orientation(affine), axcodes2ornt(axes))
                screen = apply_orientation(numbers, to)
                views[f"{convention} {name}"] = {
                    "size": screen.shape,
                    # [column, row, depth, voxel]
                    "voxels": [
                        [x, y, z, [int(at) for at in np.unravel_index(screen[x, y, z], shape)]]
                        for x, y, z in [tuple(int(rng.integers(n)) for n in screen.shape) for _ in range(3)]
                    ],
                }
        cases.append({"affine": affine.ravel().tolist(), "shape": shape, "axes": codes, "views": views})
    return cases


def generate(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)

    shape = (40, 48, 32)
    affine = affine_of(rotation(12, -9, 17) @ np.diag([-1, -1, 1]), (2.0, 1.5, 2.5), shape, (1.0, -2.0, 3.0))
    i, j, k = (grid(shape)[..., n] for n in range(3))
    base = (100 + 3 * i + 2 * j + k).astype(np.int16) + 400 * ball_labels(shape, affine).astype(np.int16)
    save(folder, "head.nii.gz", nifti(base, affine, 0.5, -10))

    label_shape = (56, 44, 50)
    label_affine = affine_of(rotation(-20, 14, 31), (1.6, 2.0, 1.7), label_shape, (-2.0, 1.0, 0.0))
    save(folder, "labels.nii.gz", nifti(ball_labels(label_shape, label_affine), label_affine))
    save(folder, "same-labels.nii.gz", nifti(ball_labels(shape, affine), affine))

    bold_shape = (16, 18, 12, 5)
    bold = rng.integers(-300, 1000, bold_shape).astype(np.int16)
    save(folder, "bold.nii", nifti(bold, affine_of(np.eye(3), (3.0, 3.0, 4.0), bold_shape[:3])))

    rgb = np.zeros((12, 14, 10), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    for n, name in enumerate("RGB"):
        rgb[name] = grid(rgb.shape)[..., n] * 17
    save(folder, "rgb.nii.gz", nifti(rgb, affine_of(np.eye(3), (1.0, 1.0, 1.0), rgb.shape)))

    labels = nib.load(folder / "labels.nii.gz")
    golden = {
        "balls": [{"centre": centre, "radius": radius} for centre, radius in BALLS],
        "images": {
            "head.nii.gz": facts(folder / "head.nii.gz", rng, labels),
            "bold.nii": facts(folder / "bold.nii", rng),
            "rgb.nii.gz": facts(folder / "rgb.nii.gz", rng),
        },
        "planes": planes(),
    }
    lines = json.dumps(golden, separators=(",", ":")).replace('{"voxel"', '\n{"voxel"').replace('{"affine"', '\n{"affine"')
    (folder / "golden.json").write_text(lines + "\n")


if "--check" in sys.argv[1:]:
    with tempfile.TemporaryDirectory() as scratch:
        made = pathlib.Path(scratch)
        generate(made)
        different = [path.name for path in made.iterdir() if path.read_bytes() != (FIXTURES / path.name).read_bytes()]
    sys.exit(f"These differ: {', '.join(different)}" if different else 0)
generate(FIXTURES)
