"""Writes test/data/zstd.bin, what other encoders' options make of zstd frames: `python tools/make-zstd-fixtures.py`.

Needs zstandard 0.23.0 (libzstd 1.5.6). The file is a table of contents as a line of JSON, then the frames. What they decode
to is known to the test by its CRC-32. test/data/zstd-damaged.json has what libzstd makes of damaged ones: the CRC-32, or
null where it refuses them.
"""
import json
import struct
import zlib
from pathlib import Path

import zstandard
from fixture_random import Random

assert zstandard.__version__ == "0.23.0", zstandard.__version__


def volume(count, seed=1):
    random, out = Random(seed), []
    for n in range(count // 2):
        value = 400 + n % 64 * 6 + (n // 64) % 64 * 3 + (random.next() >> 20) % 6
        out.append(value if (n // 640) % 5 else 0)
    return struct.pack(f"<{len(out)}h", *out)


def text(count, seed=2):
    random = Random(seed)
    words = ["voxel", "affine", "chunk", "the", "of", "level", "slice", "gradient", "echo", "and", "a", "time"]
    out = b""
    while len(out) < count:
        out += (words[random.next() % len(words)] + " ").encode()
    return out[:count]


random = Random(3)
data = {
    "volume": volume(140_000),
    "text": text(30_000),
    "random": random.bytes(3_000),
    "constant": b"\7" * 1_000_000,
    "nibbles": random.bytes(6_000, 4),
    "far": (block := random.bytes(1_000)) + b"\0" * 900_000 + block,
}
one = text(700)
for size in (0, 1, 2, 3, 4, 5, 15, 16, 17, 63, 255, 256, 257, 700):
    data[f"size {size}"] = one[:size]

LEVELS = {"volume": (1, 19), "text": (-5, -1, 1, 2, 3, 5, 7, 9, 12, 15, 19)}
frames = []


def add(name, encoded, decoded):
    frames.append((name, encoded, decoded))


for name, decoded in data.items():
    for level in LEVELS.get(name, (1, 19) if len(decoded) > 700 else (3,)):
        for checksum in (False, True):
            if checksum and level not in (1, 7):
                continue
            options = zstandard.ZstdCompressionParameters.from_level(
                level, source_size=len(decoded), write_checksum=checksum, write_content_size=True
            )
            encoded = zstandard.ZstdCompressor(compression_params=options).compress(decoded)
            add(f"{name}, level {level}{', checksum' if checksum else ''}", encoded, decoded)

# Without the size in the header; flushed in pieces: many blocks, tables that are used again.
for name in ("volume", "text"):
    piece = {"volume": 9_000, "text": 700}[name]
    stream = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
    encoded = b""
    decoded = data[name][:40_000]
    for at in range(0, len(decoded), piece):
        encoded += stream.compress(decoded[at : at + piece]) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    add(f"{name}, flushed", encoded + stream.flush(), decoded)

windowed = zstandard.ZstdCompressionParameters.from_level(19, window_log=10)
add("text, window 1 kB", zstandard.ZstdCompressor(compression_params=windowed).compress(data["text"]), data["text"])
far = zstandard.ZstdCompressionParameters.from_level(3, window_log=24, enable_ldm=True)
add("far, long distance", zstandard.ZstdCompressor(compression_params=far).compress(data["far"]), data["far"])

small = zstandard.ZstdCompressor(level=3).compress(one)
skippable = struct.pack("<II", 0x184D2A53, 5) + b"hello"
add("two frames", small + small, one + one)
add("skippable frames", skippable + small + skippable + small + skippable, one + one)
add("only a skippable frame", skippable, b"")
add("an empty block last", b"\x28\xb5\x2f\xfd\x00\x00" + bytes([3 << 3, 0, 0]) + b"abc" + bytes([1, 0, 0]), b"abc")
add("run-length block", b"\x28\xb5\x2f\xfd\x00\x38" + ((5000 << 3) | 3).to_bytes(3, "little") + b"x", b"x" * 5000)

decoder = zstandard.ZstdDecompressor()
for name, encoded, decoded in frames:
    if "frames" not in name and "skippable" not in name:
        assert decoder.decompressobj().decompress(encoded) == decoded, name

toc = [
    {"name": name, "length": len(encoded), "size": len(decoded), "crc32": zlib.crc32(decoded)}
    for name, encoded, decoded in frames
]
folder = Path(__file__).parent.parent / "test" / "data"
folder.mkdir(exist_ok=True)
content = json.dumps(toc, separators=(",", ":")).encode() + b"\n" + b"".join(encoded for _, encoded, _ in frames)
(folder / "zstd.bin").write_bytes(content)
print(f"{len(frames)} frames, {len(content)} bytes")

# The test damages the same bytes in the same way.
frames_small = [(encoded, len(decoded)) for _, encoded, decoded in frames if 0 < len(decoded) <= 50_000 and len(encoded) < 20_000]
lenient = zstandard.ZstdDecompressor(max_window_size=1 << 31)


def verdict(rest, room):
    out = b""
    try:
        while rest:
            if rest[1:4] == b"\x2a\x4d\x18" and rest[0] >> 4 == 5:
                end = 8 + int.from_bytes(rest[4:8], "little")
                if len(rest) < max(8, end):
                    return None
                rest = rest[end:]
                continue
            stream = lenient.decompressobj()
            out += stream.decompress(rest)
            if not stream.eof or len(out) > room:
                return None
            rest = stream.unused_data
    except zstandard.ZstdError:
        return None
    return zlib.crc32(out)


random = Random(11)
verdicts = []
for _ in range(6000):
    encoded, size = frames_small[random.next() % len(frames_small)]
    damaged = bytearray(encoded)
    for _ in range(1 + random.next() % 3):
        # Headers and tables are at the start, sequences at the end.
        where, number = random.next() % 10, random.next()
        if where < 5:
            place = number % 60
        elif where < 7:
            place = len(damaged) - 1 - number % 40
        else:
            place = number
        damaged[place % len(damaged)] ^= 1 << random.next() % 8
    verdicts.append(verdict(bytes(damaged), size))
(folder / "zstd-damaged.json").write_text(json.dumps(verdicts, separators=(",", ":")) + "\n")
print(f"{len(verdicts)} damaged frames, {sum(one is not None for one in verdicts)} of them accepted")
