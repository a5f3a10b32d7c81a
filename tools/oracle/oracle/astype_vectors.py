"""numpy's `astype` between every two data types, on tricky values: `astype.json`.

Left out is what numpy leaves to the machine: NaN, infinities and floats out of range, as integers.
"""

import warnings
from pathlib import Path

import numpy as np

from .golden import array_bytes, b64, write_json

NAMES = (
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "complex64", "complex128",
)  # fmt: skip


def integer_values(dtype: np.dtype) -> list[int]:
    """Bounds of every width, and where float32 and float64 begin to round."""
    edges = {0, 1, 2, 3, 100}
    for bits in (7, 8, 15, 16, 24, 31, 32, 53, 54, 62, 63, 64):
        edges |= {2**bits + delta for delta in (-2, -1, 0, 1, 2, 3)}
    # halves between neighbours: of float32, and of float64 after which float32 would round a second time
    edges |= {
        2**24 + 1,
        2**25 + 2,
        2**25 + 6,
        2**54 + 2,
        2**54 + 6,
        2**62 + 2**38 + 1,
        2**63 + 2**39 + 1,
        2**63 + 2**10,
    }
    edges |= {-value for value in edges}
    info = np.iinfo(dtype)
    return sorted(value for value in edges if info.min <= value <= info.max)


def float_values(dtype: np.dtype) -> list[float]:
    """Fractions, bounds, halves between float32 neighbours, and what is not finite."""
    values = [
        0.0,
        -0.0,
        0.5,
        -0.5,
        0.99,
        -0.99,
        1.0,
        1.5,
        -1.5,
        2.5,
        -2.5,
        127.9,
        -128.9,
        255.99,
        1e10,
        -1e10,
        0.1,
        -0.3,
    ]
    values += [
        1 + 2.0**-24,
        1 + 3 * 2.0**-24,
        1 + 2.0**-24 + 2.0**-50,
        2.0**-149,
        2.0**-150,
        1.5 * 2.0**-150,
        2.0**-1074,
    ]
    values += [float(2**bits) for bits in (7, 8, 15, 16, 24, 31, 32, 53, 62)]
    values += [float(np.nextafter(dtype.type(2**bits), dtype.type(0))) for bits in (31, 32, 63, 64)]
    values += [3.4028235e38, 3.4028235677973366e38, 1e39, -1e39, 1.7976931348623157e308, np.nan, np.inf, -np.inf]
    return values


def source_values(dtype: np.dtype) -> np.ndarray:
    """The tricky values of one type; complex ones have imaginary parts of their own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dtype.kind in "iu":
            return np.array(integer_values(dtype), dtype)
        part = np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype
        reals = np.array(float_values(part), "f8").astype(part)
        if dtype.kind == "f":
            return reals
        result = np.zeros(reals.size, dtype)
        result.real, result.imag = reals, np.roll(reals, 1)
        return result


def defined(values: np.ndarray, target: np.dtype) -> np.ndarray:
    """The values whose conversion to `target` C defines."""
    if target.kind not in "iu" or values.dtype.kind in "iu":
        return values
    info = np.iinfo(target)
    keep = [bool(np.isfinite(x)) and info.min <= int(x) <= info.max for x in values.real]
    return values[np.array(keep)]


def generate(out: Path) -> None:
    """Writes `astype.json` under `out`."""
    cases = []
    for source in NAMES:
        for target in NAMES:
            values = defined(source_values(np.dtype(source)), np.dtype(target))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = values.astype(target)
            cases.append(
                {
                    "count": int(values.size),
                    "expected": b64(array_bytes(result)),
                    "from": source,
                    "to": target,
                    "values": b64(array_bytes(values)),
                }
            )
    write_json(out / "astype.json", {"cases": cases})
