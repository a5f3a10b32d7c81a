"""Reads regions of one .nii.gz with nibabel, with and without indexed_gzip, and answers in milliseconds."""

import json
import sys
import time

import nibabel
from nibabel import openers

images = {}


def opened(path: str, indexed: bool):
    openers.HAVE_INDEXED_GZIP = indexed
    return nibabel.load(path, keep_file_open=indexed)


def take(image, what: str, k: int):
    if what == "axial":
        return image.dataobj[..., k]
    if what == "block":
        return image.dataobj[230:294, 230:294, k : k + 64]
    return image.dataobj[256]


for line in sys.stdin:
    command = json.loads(line)
    indexed, what, positions = command["indexed"], command["what"], command["positions"]
    path = command["path"]
    # What is asked for at random has its index; the first access has not.
    if not command["first"] and indexed not in images:
        images[indexed] = opened(path, indexed)
        take(images[indexed], "axial", images[indexed].shape[2] - 1)
    begin = time.perf_counter()
    image = opened(path, indexed) if command["first"] else images[indexed]
    for k in positions:
        take(image, what, k)
    print((time.perf_counter() - begin) * 1000 / len(positions), flush=True)
