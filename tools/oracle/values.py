"""Voxels for golden vectors."""


def whole_range(dtype, count, *first):
    """Values over the whole range of a type; floating ones begin with those that are given."""
    import numpy as np

    rng = np.random.default_rng(count)
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = rng.integers(info.min, info.max, count, dtype=dtype.newbyteorder("="), endpoint=True)
        values[:2] = (info.min, info.max)[:count]
    else:
        values = rng.normal(size=count) * 1000
        values[: len(first)] = first
        if dtype.kind == "c":
            values = values + 1j * rng.normal(size=count)
    return values.astype(dtype)
