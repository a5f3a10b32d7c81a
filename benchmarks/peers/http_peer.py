"""nibabel over fsspec's HTTP files: reads one JSON command a line, answers with milliseconds.

{"url": ..., "index": [[start, stop, step] | int | null, ...] | null}

`index` is in (C, I, J, K); null reads the header alone. Every command opens the URL afresh, inside the time measured: what
is remote has to be opened first. fsspec's default cache (read ahead, 5 MiB).
"""

import json
import sys
import time

import fsspec
import nibabel as nib
import numpy as np

files = fsspec.filesystem("http", skip_instance_cache=True)


def run(command: dict) -> float:
    start = time.perf_counter()
    with files.open(command["url"]) as file:
        image = nib.Nifti1Image.from_file_map({"image": nib.FileHolder(fileobj=file)})
        if command["index"] is not None:
            _, i, j, k = (item if item is None or isinstance(item, int) else slice(*item) for item in command["index"])
            item = tuple(slice(None) if part is None else part for part in (i, j, k))
            assert np.asarray(image.dataobj[item]).size > 0
    return (time.perf_counter() - start) * 1000


for line in sys.stdin:
    print(run(json.loads(line)), flush=True)
