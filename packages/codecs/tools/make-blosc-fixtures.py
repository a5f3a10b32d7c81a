"""Writes test/data/blosc.bin.gz, chunks by c-blosc: `python tools/make-blosc-fixtures.py`.

Needs numcodecs and numpy as in tools/oracle/requirements-zarr.txt. The file is a table of contents as a line of
JSON, then the chunks. What they decode to is known to the test by its CRC-32.
"""
import gzip
import json
import struct
import zlib
from pathlib import Path

import numcodecs
from fixture_random import Random
from numcodecs import blosc

assert numcodecs.__version__ == "0.16.6", numcodecs.__version__


def ramp(count):
    """Numbers that rise by little, so that every type size has something to shuffle."""
    random, value, out = Random(5), 500, bytearray()
    for _ in range(count // 4 + 1):
        value += (random.next() >> 20) % 7 - 2
        out += struct.pack("<I", value & 0xFFFFFF)
    return bytes(out[:count])


def words(count):
    random, out = Random(9), b""
    some = [b"voxel ", b"affine ", b"chunk ", b"level ", b"slice ", b"gradient ", b"echo "]
    while len(out) < count:
        out += some[random.next() % len(some)] + (b"%d" % (random.next() % 90) if random.next() % 5 == 0 else b"")
    return out[:count]


noise = Random(3)
data = {
    "ramp": ramp(1_700),
    "words": words(2_600),
    "zeros": bytes(70_000),
    # c-blosc stores what does not shrink.
    "noise": noise.bytes(300),
    # Matches as far back as blosclz goes, in its long form.
    "far": (block := noise.bytes(200)) + bytes(12_000) + block + bytes(40_000) + block + words(300),
    # Periods of matches that overlap themselves.
    "periods": b"".join((noise.bytes(n) * 20)[: 40 + 8 * n] for n in range(1, 20)),
}
for size in (1, 2, 15, 16, 17, 66, 129, 255):
    data[f"{size} bytes"] = ramp(size)

entries, out = [], b""


def add(source, cname, shuffle, type_size, level=5, block_size=0):
    global out
    raw = data[source][: len(data[source]) // type_size * type_size]
    chunk = blosc.compress(raw, cname.encode(), level, shuffle, block_size, type_size)
    name = f"{source}, {cname} {level}, shuffle {shuffle}, type size {type_size}, blocks of {block_size}"
    entries.append({"name": name, "length": len(chunk), "size": len(raw), "crc32": zlib.crc32(raw)})
    out += chunk


blosc.set_nthreads(1)
CODECS = ("blosclz", "lz4", "lz4hc", "zlib", "zstd")
for cname in CODECS:
    for shuffle in (0, 1, 2):
        for type_size in (1, 2, 3, 4, 8, 16, 17):
            if type_size == 2 or cname in ("blosclz", "zlib"):
                add("ramp", cname, shuffle, type_size)
        # Several blocks: those that are split into streams have 64 KiB or more each.
        add("zeros", cname, shuffle, 1, block_size=1024)
        add("words", cname, shuffle, 17, block_size=1024)
    for source in ("words", "noise", "far", "periods"):
        add(source, cname, 0, 1, level=9)
    add("words", cname, 1, 4, level=0)
for cname in ("blosclz", "zlib"):
    for level in (1, 2, 3, 4, 6, 7, 8, 9):
        add("words", cname, 0, 1, level)
    for name in data:
        if name.endswith(" bytes"):
            add(name, cname, 1, 1)
            add(name, cname, 1, 2)
    add("words", cname, 0, 1, 5, 128)

path = Path(__file__).parent.parent / "test" / "data" / "blosc.bin.gz"
toc = json.dumps(entries, separators=(",", ":")).encode()
path.write_bytes(gzip.compress(toc + b"\n" + out, 9, mtime=0))
print(f"wrote {path.name}: {len(entries)} chunks, {path.stat().st_size} bytes")
