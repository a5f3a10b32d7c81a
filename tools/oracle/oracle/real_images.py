"""Real images: `real.json`. They are not part of the repository; `LAZYIMG_DATA` names the folder that has them."""

import os
from pathlib import Path

import nibabel as nib
import numpy as np

from .golden import Arrays, array_bytes, sha256, write_json
from .index_vectors import parse, select
from .reference import attempt, describe, facts, load, raw_and_scaled

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDERS = ("nibabel", "nifti-reader-js")
NIFTI = (nib.Nifti1Pair, nib.Nifti1Image, nib.Nifti2Pair, nib.Nifti2Image)


def data_folder() -> Path:
    """Where the images are, or would be."""
    return Path(os.environ.get("LAZYIMG_DATA") or REPOSITORY.parent / "shared" / "data").resolve()


def unavailable() -> str | None:
    """Why there are no real images here, if there are none."""
    missing = [name for name in FOLDERS if not (data_folder() / name).is_dir()]
    return f"no {' or '.join(missing)} in the folder that LAZYIMG_DATA names" if missing else None


def regions(shape) -> list[str]:
    """Some indices of (C, I, J, K), in the command line's form: slabs, a block, steps, a voxel, the end."""
    _, i, j, k = shape

    def third(size: int) -> str:
        return f"{size // 3}:{max(size // 3 + 1, 2 * size // 3)}"

    return [
        f"...,{k // 2}",
        f":,{i // 2}",
        f"0,:,{j // 2}",
        f":,{third(i)},{third(j)},{third(k)}",
        f":,1::3,::2,{k - 1}::-2",
        f"-1,{i - 1},{j // 3},{k // 4}",
        ":,-5:,...,::-1",
    ]


def region_vector(raw: np.ndarray, scaled: np.ndarray, text: str) -> dict:
    """One region's shape and hashes."""
    index = parse(text)
    part = select(scaled, index)
    return {
        "index": text,
        "rawSha256": sha256(array_bytes(select(raw, index))),
        "scaledSha256": sha256(array_bytes(part)),
        "shape": list(part.shape),
    }


def image_vector(path: Path, name: str) -> dict:
    """One file: read whole, header alone, or not NIfTI."""
    try:
        image = load([path])
    except Exception:  # noqa: BLE001 (whatever nibabel cannot open is listed as such)
        return {"file": name, "nibabel": attempt([path], path.parent), "status": "unreadable"}
    if type(image) not in NIFTI:
        return {"class": type(image).__name__, "file": name, "status": "not-nifti"}
    try:
        described = describe(image, Arrays())
    except FileNotFoundError:
        return {"file": name, **facts(image), "code": "ERR_PAIR", "status": "half-pair"}
    raw, scaled = raw_and_scaled(image)
    parts = [region_vector(raw, scaled, text) for text in regions(raw.shape)]
    return {"file": name, **described, "regions": parts, "status": "ok"}


def generate(out: Path) -> None:
    """Writes `real.json` under `out`."""
    root = data_folder()
    paths = sorted(path for folder in FOLDERS for path in (root / folder).iterdir() if path.is_file())
    images = [image_vector(path, path.relative_to(root).as_posix()) for path in paths]
    write_json(out / "real.json", {"images": images, "nibabel": nib.__version__})
