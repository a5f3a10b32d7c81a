"""nibabel at the same work: reads one JSON command a line, answers with milliseconds.

{"path": ..., "index": [[start, stop, step] | int | null, ...], "mode": "memmap" | "dataobj", "order": "C" | null}

`index` is in (C, I, J, K). "memmap" slices nibabel's memory map and copies; "dataobj" slices its array proxy. Every command
opens the file afresh, outside the time measured.
"""

import json
import sys
import time

import nibabel as nib
import numpy as np


def run(command: dict) -> float:
    image = nib.load(command["path"], mmap=command["mode"] == "memmap")
    c, i, j, k = (item if item is None or isinstance(item, int) else slice(*item) for item in command["index"])
    item = tuple(slice(None) if part is None else part for part in ((i, j, k) if image.ndim == 3 else (i, j, k, c)))
    start = time.perf_counter()
    if command["mode"] == "memmap":
        data = np.array(np.asanyarray(image.dataobj)[item])
    else:
        data = np.asarray(image.dataobj[item])
    if command.get("order") == "C":
        data = np.ascontiguousarray(data[None] if data.ndim == 3 else np.moveaxis(data, -1, 0))
    elapsed = time.perf_counter() - start
    assert data.size > 0
    return elapsed * 1000


for line in sys.stdin:
    print(run(json.loads(line)), flush=True)
