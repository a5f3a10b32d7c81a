"""A contestant from Python, in a process of its own: `python peer.py NAME TASK`; what is said is as in host.mjs.

`index` is in (C, I, J, K), of whole numbers, [start, stop, step] and null. A contestant gives (read, close).
"""

import io
import json
import sys
import tempfile
import time


def items(index, ndim):
    """An index as numpy has it, of an image of (I, J, K) or (I, J, K, C)."""
    c, *spatial = (item if item is None or isinstance(item, int) else slice(*item) for item in index)
    order = spatial if ndim == 3 else [*spatial, c]
    return tuple(slice(None) if item is None else item for item in order)


def in_order(data, order):
    """A full image, channels first and in C order if the task says so."""
    import numpy as np

    if order != "C":
        return data
    return np.ascontiguousarray(data[None] if data.ndim == 3 else np.moveaxis(data, -1, 0))


def memmap(task):
    """nibabel's memory map, sliced and copied."""
    import nibabel
    import numpy as np

    image = nibabel.load(task["path"], mmap=True)
    return lambda index: in_order(np.array(np.asanyarray(image.dataobj)[items(index, image.ndim)], order="F"), task.get("order")), None


def dataobj(task, file=None):
    """nibabel's array proxy."""
    import nibabel
    import numpy as np

    if file is None:
        image = nibabel.load(task["path"], mmap=False, keep_file_open=task.get("keep_file_open"))
    else:
        image = nibabel.Nifti1Image.from_file_map({"image": nibabel.FileHolder(fileobj=file)})
    return lambda index: in_order(np.asarray(image.dataobj[items(index, image.ndim)]), task.get("order")), None


def gzip(task):
    """nibabel and Python's gzip."""
    from nibabel import _compression

    _compression.HAVE_INDEXED_GZIP = False
    return dataobj(task)


def indexed_gzip(task):
    """nibabel and indexed_gzip, whose index is complete before what is measured unless opening is."""
    from nibabel import _compression

    assert _compression.HAVE_INDEXED_GZIP
    read, close = dataobj({**task, "keep_file_open": True})
    if not task["fresh"]:
        read([0, 0, 0, task["shape"][3] - 1])
    return read, close


def fsspec_nifti(task):
    """nibabel over fsspec's file, with its default cache (read ahead, 5 MiB)."""
    import fsspec

    file = fsspec.filesystem("http", skip_instance_cache=True).open(task["path"])
    if not task["path"].endswith(".gz"):
        inflated = file
    elif task.get("sidecar"):
        import indexed_gzip as library

        index = io.BytesIO(file.fs.cat_file(task["path"] + ".gzidx"))
        inflated = library.IndexedGzipFile(fileobj=file)
        inflated.import_index(fileobj=index)
    else:
        import gzip as python_gzip

        inflated = python_gzip.GzipFile(fileobj=file)
    return (*dataobj(task, inflated)[:1], file.close)


def zarr_array(array, order):
    # (K, J, I), of a series (C, K, J, I), as NIfTI-Zarr has it.
    def read(index):
        region = array[tuple(reversed(items(index, array.ndim)))]
        return in_order(region.T, order) if order == "C" else region

    return read


def zarr(task):
    """zarr-python, from a folder or over fsspec."""
    import zarr as library

    if not task["path"].startswith("http:"):
        return zarr_array(library.open_array(f"{task['path']}/0", mode="r"), task.get("order")), None
    store = library.storage.FsspecStore.from_url(f"{task['path']}/0", read_only=True)
    return zarr_array(library.open_array(store, mode="r"), None), None


def niizarr(task):
    """nifti-zarr: a nibabel image over a dask array."""
    import niizarr as library
    import numpy as np

    image = library.zarr2nii(task["path"])
    return lambda index: in_order(np.asarray(image.dataobj[items(index, image.ndim)]), task.get("order")), None


def convert(task):
    """nifti-zarr's conversion, to so many levels or as many as it takes."""
    import niizarr as library

    def read(_index):
        with tempfile.TemporaryDirectory() as folder:
            library.nii2zarr(task["path"], f"{folder}/out.nii.zarr", nb_levels=task.get("levels", -1))

    return read, None


def torchio(task):
    """TorchIO 2: what an image's backend gives, and the whole tensor."""
    import torchio as library

    image = library.ScalarImage(task["path"])
    image.shape

    def read(index):
        if all(item is None for item in index):
            return image.dataobj.to_tensor().numpy()
        return image.dataobj[tuple(slice(None) if i is None else i if isinstance(i, int) else slice(*i) for i in index)].numpy()

    return read, None


def say(answer):
    print(json.dumps(answer), flush=True)


def main(name, task):
    open_image = globals()[name]
    held = None if task["fresh"] else open_image(task)
    say({"ready": True})
    for line in sys.stdin:
        command = json.loads(line)
        index = command["index"]
        if task["empty"]:
            held = open_image(task)
        start = time.perf_counter()
        read, close = held or open_image(task)
        voxels = None if index is None else read(index)
        if held is None and close:
            close()
        ms = (time.perf_counter() - start) * 1000
        if not command.get("check"):
            say({"ms": ms})
            continue
        size, total = (0, 0) if voxels is None else (int(voxels.size), int(voxels.sum(dtype="int64")))
        say({"ms": ms, "size": size, "sum": total})


main(sys.argv[1], json.loads(sys.argv[2]))
