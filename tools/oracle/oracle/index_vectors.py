"""Indices of a (C, I, J, K) array, and what they select: `index.json`.

A Python reference of TorchIO's rule, on numpy: an integer keeps its axis with size 1, missing axes are whole, one
ellipsis stands for as many whole axes as are missing. As lazyimg has it, an integer outside its axis is an error and
steps may be negative.
"""

from pathlib import Path
from typing import Any

import numpy as np

from .golden import array_bytes, sha256, write_json

SHAPE = (3, 5, 6, 7)

#: Results up to this many elements are written out; of larger ones there is the hash.
LISTED = 48


class IndexRefused(Exception):
    """An index that is an error; `kind` tells which."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def s(start=None, stop=None, step=None) -> dict:
    """A slice in JSON."""
    return {"start": start, "stop": stop, "step": step}


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _item(item: Any) -> int | slice:
    if item is None:
        return slice(None)
    if _is_integer(item):
        return item
    if isinstance(item, dict) and set(item) <= {"start", "stop", "step"} and item:
        parts = [item.get(name) for name in ("start", "stop", "step")]
        if not all(part is None or _is_integer(part) for part in parts):
            raise IndexRefused("not-understood")
        if parts[2] == 0:
            raise IndexRefused("zero-step")
        return slice(*parts)
    raise IndexRefused("not-understood")


def normalize(index: Any, ndim: int = 4) -> list[int | slice]:
    """Exactly `ndim` integers and slices."""
    items = index if isinstance(index, list) else [index]
    if sum(1 for item in items if item == "...") > 1:
        raise IndexRefused("two-ellipses")
    given = [item for item in items if item != "..."]
    if len(given) > ndim:
        raise IndexRefused("too-many")
    at = items.index("...") if "..." in items else len(items)
    filled = given[:at] + [None] * (ndim - len(given)) + given[at:]
    return [_item(item) for item in filled]


def select(array: np.ndarray, index: Any) -> np.ndarray:
    """`array[index]` with every axis kept."""
    slices = []
    for item, size in zip(normalize(index, array.ndim), array.shape, strict=True):
        if isinstance(item, slice):
            slices.append(item)
            continue
        if not -size <= item < size:
            raise IndexRefused("out-of-range")
        position = item % size
        slices.append(slice(position, position + 1))
    return array[tuple(slices)]


def parse(text: str) -> list:
    """The items of an index as written on lazyimg's command line: ":,10:20,...,::2"."""

    def item(part: str):
        part = part.strip()
        if part == "...":
            return part
        if ":" not in part:
            return int(part)
        return s(*(int(bound) if bound else None for bound in part.split(":")))

    return [item(part) for part in text.split(",")]


def indices() -> list:
    """The indices, by hand first and then at random."""
    whole = s()
    alone = [
        whole, 0, 1, 2, -1, -3, s(0, 1), s(1), s(None, -1), s(None, None, 2), s(None, None, -1), s(2, 0, -1), "...", None, [],
        ["..."], [None], [0], [whole], [-1], s(5), s(3, 3), s(2, 1), s(-1), s(-99, 99), s(99, -99), s(99, -99, -1), s(None, None, 99),
        s(None, None, -99),
    ]  # fmt: skip
    contract = [
        [whole, s(1, 4)], [whole, s(1, 4), s(2, 5), s(0, 6)], ["...", s(0, 5)], [whole, s(-4)], [0, 1, 2, 3],
    ]  # fmt: skip
    ellipses = [
        ["...", 0], ["...", -1], [0, "..."], [0, "...", 0], [0, 1, "..."], [0, "...", 1, 2], ["...", 1, 2, 3],
        [0, 1, 2, "..."], [0, 1, "...", 3], [0, 1, 2, 3, "..."], ["...", 0, 1, 2, 3], [0, "...", 1, 2, 3],
        ["...", None], [None, "..."], [s(1), "...", s(None, None, -2)], ["...", s(1, 5, 2), s(-2)], [whole, "...", whole],
    ]  # fmt: skip
    nulls = [
        [None, None, None, None], [None, 0], [0, None, 1], [None, None, s(1, 3)], [None, s(None, None, -1), None, -1],
    ]  # fmt: skip
    integers = [
        [-3, -5, -6, -7], [2, 4, 5, 6], [2, -5, 0, -1], [0, 4], [0, 0, 5], [0, 0, 0, 6], [1, s(1, 2), 1, s(1, 2)],
    ]  # fmt: skip
    bounds = [
        [whole, s(-100, 3)], [whole, s(3, 100)], [whole, s(-100, 100)], [whole, s(5, 100)], [whole, s(100, 200)],
        [whole, s(-200, -100)], [whole, s(4, 1)], [whole, s(2, 2)], [whole, s(0, 0)], [whole, s(-1, -1)], [whole, s(-5)],
        [whole, s(-6, -4)], [whole, s(0, -5)], [whole, s(0, -6)], [whole, whole, s(2**40)],
        [whole, whole, s(-(2**40), 2**40)], [whole, whole, whole, s(None, 2**53 - 1)],
        [whole, whole, whole, s(-(2**53) + 1, None)],
    ]  # fmt: skip
    steps = [
        [whole, whole, whole, s(None, None, step)] for step in (1, 2, 3, 4, 6, 7, 8, -1, -2, -3, -6, -7, -8, 2**40, -(2**40))
    ]  # fmt: skip
    backwards = [
        [whole, s(4, 0, -1)], [whole, s(4, None, -1)], [whole, s(None, 0, -1)], [whole, s(None, 1, -2)],
        [whole, s(-1, -4, -1)], [whole, s(-1, -6, -1)], [whole, s(-1, -100, -2)], [whole, s(100, None, -1)],
        [whole, s(100, 2, -2)], [whole, s(-100, None, -1)], [whole, s(0, None, -1)], [whole, s(0, 4, -1)],
        [whole, s(2, 2, -1)], [whole, s(3, -1, -1)], [whole, s(3, -6, -1)], [whole, s(-2, 0, -3)],
        [s(None, None, -1)] * 4, [s(None, None, -2), s(3, 0, -2), s(None, 1, -1), s(-2, -7, -4)],
        [s(0, None, 2), s(1, None, 2), s(2, 5, 2), s(6, 0, -3)],
    ]  # fmt: skip
    partial = [{"start": 1}, {"stop": 2}, {"step": 2}, [None, {"start": -2}], [None, {"step": -1}]]
    refused = [
        3, -4, 99, [3], [0, 5], [0, -6], [0, 0, 6], [0, 0, -7], [0, 0, 0, 7], [0, 0, 0, -8], ["...", 7], ["...", -8],
        [whole, 2**40], [0, 0, 0, 0, 0], [whole] * 5, [None] * 5, ["...", 0, 0, 0, 0, 0], [whole] * 6, ["...", "..."],
        [0, "...", 0, "..."], ["...", "...", "..."], s(None, None, 0), [whole, s(1, 3, 0)], "all", ":", [0, ":"], 1.5,
        [0, 0.5], True, [whole, False], s(0.5), s(0, 1.5), s("1", 2), [[0, 1]], [0, [1]], {}, {"from": 1},
    ]  # fmt: skip
    random = np.random.default_rng(11)
    mixed = []
    for _ in range(40):
        items: list = []
        for size in SHAPE:
            kind = random.integers(0, 6)
            if kind == 0:
                items.append(int(random.integers(-size, size)))
            elif kind == 1:
                items.append(None)
            else:
                start, stop = (int(random.integers(-size - 2, size + 3)) for _ in range(2))
                step = int(random.choice([1, 2, 3, -1, -2, -3]))
                items.append(s(start if random.integers(0, 4) else None, stop if random.integers(0, 4) else None, step))
        mixed.append(items)
    groups = (alone, contract, ellipses, nulls, integers, bounds, steps, backwards, partial, refused, mixed)
    return [index for group in groups for index in group]


def generate(out: Path) -> None:
    """Writes `index.json` under `out`."""
    array = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE)
    cases = []
    for index in indices():
        try:
            result = np.ascontiguousarray(select(array, index))
        except IndexRefused as error:
            cases.append({"index": index, "error": error.kind, "code": "ERR_INDEX"})
            continue
        case = {"index": index, "shape": list(result.shape), "sha256": sha256(array_bytes(result))}
        if result.size <= LISTED:
            case["values"] = result.ravel().tolist()
        cases.append(case)
    document = {"cases": cases, "dtype": "int32", "shape": list(SHAPE)}
    write_json(out / "index.json", document)
