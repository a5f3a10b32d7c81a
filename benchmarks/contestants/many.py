"""nibabel at what many.mjs does."""

import json
import os
import sys
import time

import nibabel
import numpy as np

folder, *counts = sys.argv[1:]
images = []
result = []
for count in map(int, counts):
    first = len(images)
    start = time.perf_counter()
    for n in range(first, count):
        image = nibabel.load(f"{folder}/{n}.nii")
        np.array(image.dataobj[1, 2])
        images.append(image)
    ms = (time.perf_counter() - start) * 1000 / (count - first)
    with open("/proc/self/statm") as file:
        rss = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    result.append({"count": count, "ms": ms, "handles": len(os.listdir("/proc/self/fd")), "rss": rss})
print(json.dumps(result))
