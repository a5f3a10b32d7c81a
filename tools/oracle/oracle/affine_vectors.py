"""Orientations, reorientations and crops: `affines.json`.

Affines are made of numbers with few bits wherever nibabel multiplies matrices, so that every product is exact and no
machine's rounding shows.
"""

from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel import orientations

from .golden import b64, plain, write_json
from .index_vectors import normalize, parse
from .nifti_bytes import SFORM
from .reference import as_channels


def signed_permutations() -> list[np.ndarray]:
    """The 48 affines that swap and flip axes, with distinct spacings and offsets."""
    result = []
    for order in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            affine = np.eye(4)
            affine[:3] = 0
            for column, (row, sign, zoom) in enumerate(zip(order, signs, (2, 1.5, 3.25), strict=True)):
                affine[row, column] = sign * zoom
            affine[:3, 3] = (-10, 20.5, -30.25)
            result.append(affine)
    return result


def _rotation(quaternion) -> list[list[float]]:
    """The rotation of a quaternion, term by term: no matrix library, the same everywhere."""
    w, x, y, z = (float(value) for value in quaternion)
    n = 2 / (w * w + x * x + y * y + z * z)
    return [
        [1 - n * (y * y + z * z), n * (x * y - w * z), n * (x * z + w * y)],
        [n * (x * y + w * z), 1 - n * (x * x + z * z), n * (y * z - w * x)],
        [n * (x * z - w * y), n * (y * z + w * x), 1 - n * (x * x + y * y)],
    ]


def _stable(affine: np.ndarray) -> bool:
    """Whether the orientation survives small changes, so that no rounding decides a tie."""
    expected = nib.io_orientation(affine)
    random = np.random.default_rng(3)
    for _ in range(12):
        changed = np.array(affine)
        changed[:3, :3] *= 1 + 1e-4 * random.standard_normal((3, 3))
        if not np.array_equal(nib.io_orientation(changed), expected):
            return False
    return True


def random_affines(count: int) -> list[np.ndarray]:
    """Rotations with anisotropic voxels, half of them sheared, some far from any axis."""
    random = np.random.default_rng(42)
    result: list[np.ndarray] = []
    while len(result) < count:
        rotation = _rotation(random.standard_normal(4))
        zooms = 2.0 ** random.uniform(-2, 3, 3) * random.choice([1, -1], 3)
        shears = random.uniform(-0.8, 0.8, 3) if len(result) % 2 else np.zeros(3)
        affine = np.eye(4)
        for row in range(3):
            a, b, c = rotation[row]
            columns = (a, b + shears[0] * a, c + shears[1] * a + shears[2] * b)
            affine[row, :3] = [value * zoom for value, zoom in zip(columns, zooms, strict=True)]
        affine[:3, 3] = random.uniform(-200, 200, 3)
        if _stable(affine):
            result.append(affine)
    return result


def orientation_vector(affine: np.ndarray) -> dict:
    """nibabel's view of one affine."""
    return {
        "affine": plain(affine.ravel()),
        "axcodes": "".join(nib.aff2axcodes(affine)),
        "ioOrientation": plain(nib.io_orientation(affine)),
        "voxelSizes": plain(nib.affines.voxel_sizes(affine)),
    }


def volume(shape) -> nib.Nifti1Image:
    """A volume with distinct bytes and an oblique affine."""
    data = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    return nib.Nifti1Image(data, SFORM)


def codes() -> list[str]:
    """The 48 orientations by their letters."""
    letters = (("L", "R"), ("P", "A"), ("I", "S"))
    return ["".join(choice) for order in permutations(letters) for choice in product(*order)]


def reoriented(image: nib.Nifti1Image, target: str) -> dict:
    """`image` brought to the orientation `target`."""
    transform = orientations.ornt_transform(nib.io_orientation(image.affine), orientations.axcodes2ornt(target))
    result = image.as_reoriented(transform)
    if "".join(nib.aff2axcodes(result.affine)) != target:
        raise RuntimeError(f"nibabel did not reach {target}")
    data = as_channels(np.asanyarray(result.dataobj))
    return {
        "affine": plain(result.affine.ravel()),
        "data": b64(np.ascontiguousarray(data).tobytes()),
        "shape": plain(data.shape),
        "target": target,
    }


CROPS = (
    ":,2:", ":,2:,::2,1:4:2", ":,:,1:3", ":,...,1:4", ":,1:2,1:2,1:2", ":,0:5:2", ":,1:6:2,:,::3", ":,5:6", ":,:3,:2,:1",
    ":,::-1", ":,4:1:-1", ":,6:0:-2", ":,4::-1", ":,:,::-1,::-2", ":,::-1,::-1,::-1", ":,-3:", ":,-5:-1:2", ":,-1:-5:-2",
    ":,:,-2:", ":,:-1,:,-1:0:-1", ":,99:2:-1", ":,-99:3", ":,3", ":,-1,2,0", "0,1:5:3,-2,::-3",
)  # fmt: skip


def crop(image: nib.Nifti1Image, text: str) -> dict:
    """What `text` selects, with the affine by definition and, where nibabel takes such an index, nibabel's too.

    The affine by definition puts the first selected voxel where it was and scales each column by its step.
    """
    array = as_channels(np.asanyarray(image.dataobj))
    items = [
        item if isinstance(item, slice) else slice(item % size, item % size + 1)
        for item, size in zip(normalize(parse(text)), array.shape, strict=True)
    ]
    ranges = [range(*item.indices(size)) for item, size in zip(items[1:], array.shape[1:], strict=True)]
    affine = np.array(image.affine)
    for axis, chosen in enumerate(ranges):
        affine[:3, 3] += image.affine[:3, axis] * chosen.start
        affine[:3, axis] *= chosen.step if len(chosen) > 1 else 1
    data = array[tuple(items)]
    result = {
        "affine": plain(affine.ravel()),
        "data": b64(np.ascontiguousarray(data).tobytes()),
        "index": text,
        "shape": plain(data.shape),
    }
    spatial = tuple(items[1:])
    sliced = image.slicer[spatial if len(image.shape) == 3 else (*spatial, items[0])]
    if not np.array_equal(as_channels(np.asanyarray(sliced.dataobj)), data):
        raise RuntimeError(f"nibabel selects other voxels for {text}")
    # nibabel scales a column by its step even where one voxel is left; compare what the voxels that exist have.
    agrees = all(
        np.array_equal(sliced.affine[:, axis], affine[:, axis]) for axis in (0, 1, 2) if data.shape[axis + 1] > 1
    ) and np.array_equal(sliced.affine[:, 3], affine[:, 3])
    return {**result, "nibabelAffine": plain(sliced.affine.ravel()), "nibabelAgrees": agrees}


def generate(out: Path) -> None:
    """Writes `affines.json` under `out`."""
    small, cropped = volume((4, 3, 2)), volume((7, 6, 5))
    document = {
        "crops": [crop(cropped, text) for text in CROPS],
        "cropShape": [1, 7, 6, 5],
        "orientations": [orientation_vector(affine) for affine in signed_permutations() + random_affines(60)],
        "reorientations": [reoriented(small, target) for target in codes()],
        "reorientShape": [1, 4, 3, 2],
        "volumeAffine": plain(SFORM.ravel()),
    }
    write_json(out / "affines.json", document)
