"""Voxel values that tell every position from every other and use the whole range of their type.

Only integer arithmetic and exact powers of two: the same bits on every machine.
"""

import numpy as np

_MIX = 0x9E3779B97F4A7C15


def integers(dtype: np.dtype, count: int) -> np.ndarray:
    """Distinct while `count` fits the type; the least, the greatest, 0 and 1 come early."""
    info = np.iinfo(dtype)
    values = [(i * _MIX + 0x5851F42D) % 2**64 >> (64 - info.bits) for i in range(count)]
    if info.bits == 8:
        values = [(i * 37 + 11) % 256 for i in range(count)]
    values = [value + info.min for value in values]
    for position, value in enumerate((info.max, info.min, 0, 1)):
        if position < count:
            values[position] = value
    return np.array(values, dtype=dtype)


def floats(dtype: np.dtype, count: int, finite: bool = False) -> np.ndarray:
    """Many magnitudes and both signs; unless `finite`, also NaN, the infinities, -0, the least and the greatest."""
    info = np.finfo(dtype)
    values = np.array(
        [((i * _MIX) % 2**64 / 2**63 - 1) * 2.0 ** ((i * 7) % 41 - 20) + 2.0**-30 for i in range(count)]
    ).astype(dtype)
    special = [info.max, info.min, info.tiny, info.eps]
    if not finite:
        special += [np.nan, np.inf, -np.inf, -0.0, 0.0, info.smallest_subnormal]
    for position, value in enumerate(special, start=1):
        if position < count:
            values[position] = value
    return values


def values(name: str, shape, dtype: np.dtype, finite: bool = False) -> np.ndarray:
    """Values of `shape`, first axis fastest, of the NIfTI type `name`."""
    count = int(np.prod(shape, dtype=np.int64))
    if dtype.names:
        parts = integers(np.dtype("u1"), count * len(dtype.names)).reshape(count, -1)
        flat = np.zeros(count, dtype)
        for channel, part in zip(dtype.names, parts.T, strict=True):
            flat[channel] = part
    elif dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        if finite:  # numpy's complex product has its own signs of zero and overflows: keep away from both
            flat = (floats(part, 2 * count + 8, finite)[8:]).view(dtype)
        else:
            flat = floats(part, 2 * count).view(dtype)
    elif dtype.kind == "f":
        flat = floats(dtype, count, finite)
    else:
        flat = integers(dtype, count)
    return flat.reshape(shape, order="F")
