"""Exchanges sidecars with indexed_gzip (pip install indexed_gzip==1.10.3).

    python tools/oracle.py make     writes test/fixtures/*.gzidx with indexed_gzip
    python tools/oracle.py check    reads sidecars that this package writes (tools/write-index.mjs) with indexed_gzip
"""

import pathlib
import random
import subprocess
import sys
import tempfile

import indexed_gzip

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = PACKAGE / "test" / "fixtures"
FILES = ["zlib-6.gz", "stored.gz", "members.gz", "bgzip.gz", "decorated.gz", "pigz-i.gz", "zopfli.gz"]
SPACING = 65536


def make() -> None:
    for name in FILES:
        with indexed_gzip.IndexedGzipFile(str(FIXTURES / name), spacing=SPACING) as file:
            file.build_full_index()
            file.export_index(str(FIXTURES / (name + ".gzidx")))


def check() -> None:
    raw = (FIXTURES / "sample.raw").read_bytes()
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES:
            sidecar = pathlib.Path(folder) / (name + ".gzidx")
            subprocess.run(
                ["node", str(PACKAGE / "tools" / "write-index.mjs"), str(FIXTURES / name), str(sidecar), str(SPACING)],
                check=True,
            )
            with indexed_gzip.IndexedGzipFile(str(FIXTURES / name), index_file=str(sidecar)) as file:
                points = len(list(file.seek_points()))
                for _ in range(200):
                    offset = random.randrange(len(raw))
                    length = random.randrange(1, 40_000)
                    file.seek(offset)
                    assert file.read(length) == raw[offset : offset + length], (name, offset, length)
            print(f"{name}: 200 reads equal through {points} points")


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]]()
