"""How golden vectors are written: JSON that diffs line by line, and arrays by their hash."""

import base64
import hashlib
import json
import math
from pathlib import Path

import numpy as np

#: Arrays up to this many bytes are written out in full; of larger ones only the hash is kept.
INLINE_LIMIT = 4096


def sha256(data: bytes) -> str:
    """The SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def b64(data: bytes) -> str:
    """`data` in base64."""
    return base64.b64encode(data).decode("ascii")


def plain(value):
    """`value` as JSON has it: floats in full, what is not finite as a string, no negative zero."""
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.dtype.kind in "iu" else value.astype(float).tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def write_json(path: Path, document: dict) -> None:
    """Writes `document` with sorted keys, one line for each member of each top-level value."""

    def line(value) -> str:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)

    parts = []
    for key in sorted(document):
        value = document[key]
        if isinstance(value, list) and value:
            body = "[\n" + ",\n".join(f"    {line(item)}" for item in value) + "\n  ]"
        elif isinstance(value, dict) and value:
            body = "{\n" + ",\n".join(f"    {line(name)}: {line(value[name])}" for name in sorted(value)) + "\n  }"
        else:
            body = line(value)
        parts.append(f"  {line(key)}: {body}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="ascii")


def dtype_name(dtype: np.dtype) -> str:
    """numpy's name of `dtype` without its byte order."""
    return np.dtype(dtype).newbyteorder("=").name


def array_bytes(array: np.ndarray) -> bytes:
    """The elements in C order, little-endian, every NaN as the canonical one."""
    array = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C", copy=True)
    if array.dtype.kind in "fc":
        parts = array.view(array.real.dtype)
        parts[np.isnan(parts)] = np.nan
    return array.tobytes()


class Arrays:
    """The arrays of a set of vectors, each kept once, under its hash."""

    def __init__(self) -> None:
        self.table: dict[str, str] = {}

    def add(self, array: np.ndarray) -> dict[str, str]:
        """Keeps `array` if it is small, and gives the reference to it: its dtype and its hash."""
        data = array_bytes(array)
        digest = sha256(data)
        if len(data) <= INLINE_LIMIT:
            self.table[digest] = b64(data)
        return {"dtype": dtype_name(array.dtype), "sha256": digest}
