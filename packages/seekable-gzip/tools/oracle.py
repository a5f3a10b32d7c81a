"""Exchanges sidecars with indexed_gzip (pip install indexed_gzip==1.10.3).

    python tools/oracle.py make     writes test/fixtures/*.gzidx with indexed_gzip
    python tools/oracle.py check    reads each other's sidecars of the fixtures
    python tools/oracle.py scans FOLDER     and of every .nii.gz in a folder (Debian's mricron-data has some)
"""

import gzip
import hashlib
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import indexed_gzip

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = PACKAGE / "test" / "fixtures"
FILES = [
    "zlib-6.gz",
    "stored.gz",
    "members.gz",
    "bgzip.gz",
    "decorated.gz",
    "pigz-i.gz",
    "zopfli.gz",
    "libdeflate.gz",
]
# Kept as it is; the others are gzipped, which lazyimg reads as well.
PLAIN = "zlib-6.gz"
SPACING = 65536


def fixture(name: str, folder: str) -> pathlib.Path:
    """A fixture; one that is kept gzipped once more is unwrapped into `folder`."""
    path = FIXTURES / name
    if path.exists():
        return path
    unwrapped = pathlib.Path(folder) / name
    unwrapped.write_bytes(gzip.decompress((FIXTURES / (name + ".gz")).read_bytes()))
    return unwrapped


def make() -> None:
    for name in FILES:
        with (
            tempfile.TemporaryDirectory() as folder,
            indexed_gzip.IndexedGzipFile(str(fixture(name, folder)), spacing=SPACING) as file,
        ):
            file.build_full_index()
            sidecar = FIXTURES / (name + ".gzidx")
            file.export_index(str(sidecar))
        if name != PLAIN:
            sidecar.write_bytes(gzip.compress(sidecar.read_bytes(), 9, mtime=0))


def check() -> None:
    raw = gzip.decompress((FIXTURES / "zlib-6.gz").read_bytes())
    for name in FILES:
        with tempfile.TemporaryDirectory() as folder:
            exchange(fixture(name, folder), raw, SPACING, 200)


def scans(folder: str) -> None:
    files = sorted(pathlib.Path(folder).rglob("*.nii.gz"))
    assert files, f"no .nii.gz in {folder}"
    for path in files:
        exchange(path, gzip.decompress(path.read_bytes()), 1 << 20, 50)


def exchange(path: pathlib.Path, raw: bytes, spacing: int, reads: int) -> None:
    """indexed_gzip reads through lazyimg's sidecar, and lazyimg through indexed_gzip's."""
    random.seed(1)
    ranges = [(random.randrange(len(raw)), random.randrange(1, 40_000)) for _ in range(reads)]
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs, wanted = (pathlib.Path(folder) / name for name in ("ours", "theirs", "wanted.json"))
        node("write-index.mjs", path, ours, spacing)
        with indexed_gzip.IndexedGzipFile(str(path), index_file=str(ours)) as file:
            points = len(list(file.seek_points()))
            for offset, length in ranges:
                file.seek(offset)
                assert file.read(length) == raw[offset : offset + length], (path, offset, length)
        with indexed_gzip.IndexedGzipFile(str(path), spacing=spacing) as file:
            file.build_full_index()
            file.export_index(str(theirs))
        digests = [[o, n, hashlib.sha256(raw[o : o + n]).hexdigest()] for o, n in ranges]
        wanted.write_text(json.dumps(digests))
        node("check-ranges.mjs", path, theirs, wanted)
    print(f"{path.name}: {reads} reads equal each way, {points} points")


def node(tool: str, *args: object) -> None:
    subprocess.run(["node", str(PACKAGE / "tools" / tool), *map(str, args)], check=True)


if __name__ == "__main__":
    {"make": make, "check": check, "scans": scans}[sys.argv[1]](*sys.argv[2:])
