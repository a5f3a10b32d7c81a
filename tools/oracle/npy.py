#!/usr/bin/env python3
"""Writes the golden vectors of .npy files, by numpy: `tests/golden/npy/`.

    python tools/oracle/npy.py            # write them again
    python tools/oracle/npy.py --check    # change nothing; fails when a byte differs

Runs itself in a virtual environment of its own with what `requirements-npy.txt` pins.
"""

import io
import json
import sys
from pathlib import Path

from environment import golden, inside
from values import whole_range


def volume(dtype, shape):
    """Values over the whole range of the type, all different where it has that many."""
    import numpy as np

    count = int(np.prod(shape))
    rng = np.random.default_rng(count)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        values = rng.integers(0, 2, count).astype(dtype)
    elif dtype.str[1:] == "f2":
        # Every kind of them: subnormal, infinite, not a number, negative zero.
        bits = rng.integers(0, 65536, count).astype("u2")
        bits[:6] = 0x0001, 0x03FF, 0x7C00, 0xFC00, 0x7E00, 0x8000
        values = bits.view(np.float16).astype(dtype)
    else:
        values = whole_range(dtype, count)
    return values.reshape(shape)


def cases():
    """Name, array, order and version of the format."""
    endian = {"<": "little", ">": "big"}
    for kind in ["i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]:
        for order, word in endian.items():
            yield f"{kind}-{word}", volume(order + kind, (2, 3, 4)), "C", (1, 0)
    for kind in ["b1", "i1", "u1"]:
        yield kind, volume(kind, (2, 3, 4)), "C", (1, 0)
    for order in "CF":
        for shape in [(7,), (4, 5), (4, 5, 6), (3, 4, 5, 6), (1, 4, 5, 6), (4, 1, 6), (1, 1, 1)]:
            yield f"shape-{order}-{'x'.join(map(str, shape))}", volume("<i2", shape), order, (1, 0)
    for version in (2, 3):
        yield f"version-{version}", volume("<f4", (4, 5, 6)), "F", (version, 0)


def expected(array):
    """What an image of it is: (C, I, J, K) in C order, little-endian, float16 widened and bool as bytes."""
    import base64

    import numpy as np

    values = array.astype("f4") if array.dtype.str[1:] == "f2" else array
    values = values.astype("u1") if array.dtype == np.bool_ else values
    axes = values.shape if values.ndim == 4 else (1, *values.shape, 1, 1)[:4]
    # A signalling NaN need not survive.
    little = np.ascontiguousarray(values.reshape(axes).astype(values.dtype.newbyteorder("<")))
    return {
        "shape": list(axes),
        "dtype": values.dtype.name,
        "data": base64.b64encode(little.tobytes()).decode(),
    }


def files():
    """Every file of the folder, by name."""
    import numpy as np

    made, facts = {}, {}
    for name, array, order, version in cases():
        stored = np.asarray(array, order=order)
        file = io.BytesIO()
        np.lib.format.write_array(file, stored, version=version, allow_pickle=False)
        made[f"{name}.npy"] = file.getvalue()
        facts[name] = expected(array)
    refused = {
        "object": np.array([{"a": 1}, None, "x"], dtype=object).reshape(1, 1, 3),
        "structured": np.zeros((2, 2, 2), dtype=[("r", "u1"), ("g", "u1")]),
        "string": np.full((2, 2, 2), "ab"),
        "date": np.zeros((2, 2, 2), dtype="M8[s]"),
        "scalar": np.array(3.0),
        "five-axes": np.zeros((1, 1, 1, 1, 2), dtype="u1"),
        "empty": np.zeros((0, 3, 4), dtype="f4"),
    }
    for name, array in refused.items():
        file = io.BytesIO()
        np.save(file, array, allow_pickle=True)
        made[f"refused-{name}.npy"] = file.getvalue()
    made["expected.json"] = (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode()
    return made


if __name__ == "__main__":
    inside(Path(__file__).with_name("requirements-npy.txt"))
    sys.exit(golden("npy", files(), check="--check" in sys.argv))
