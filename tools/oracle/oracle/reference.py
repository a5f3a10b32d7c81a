"""What nibabel makes of a file, in TorchIO's axis order."""

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.fileholders import FileHolder
from nibabel.openers import ImageOpener

from .golden import Arrays, dtype_name, plain, sha256

nib.imageglobals.logger.setLevel("CRITICAL")


class UnsupportedShapeError(ValueError):
    """A shape that has no (C, I, J, K) by TorchIO's rules."""


def channels_first(shape) -> tuple[int, int, int, int]:
    """(C, I, J, K) of a shape on disk; 1D and 2D are images with trailing axes of size 1."""
    shape = tuple(int(size) for size in shape)
    if 1 <= len(shape) <= 3:
        return (1, *shape, *(1,) * (3 - len(shape)))
    if len(shape) == 4:
        return (shape[3], *shape[:3])
    if len(shape) == 5 and shape[3] == 1:
        return (shape[4], *shape[:3])
    raise UnsupportedShapeError(f"{len(shape)}D shape {shape} has no (C, I, J, K)")


def as_channels(array: np.ndarray) -> np.ndarray:
    """A whole array as on disk, as (C, I, J, K); the fields of RGB are channels."""
    array = np.asarray(array)
    shape = channels_first(array.shape)
    if array.dtype.names:
        if shape[0] != 1:
            raise UnsupportedShapeError(f"RGB voxels in {array.ndim}D with {shape[0]} volumes")
        return np.stack([array[name].reshape(shape[1:]) for name in array.dtype.names])
    return np.moveaxis(array.reshape((*shape[1:], shape[0])), 3, 0)


def load(paths: list[Path]):
    """Opens one file, or a pair whose halves are named `paths` (nibabel alone looks for the same suffix only)."""
    suffixes = {path.suffix.lower() == ".gz" for path in paths}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if len(paths) == 2 and len(suffixes) == 2:
            holders = {"header": FileHolder(str(paths[0])), "image": FileHolder(str(paths[1]))}
            return nib.Nifti1Pair.from_file_map(holders)
        return nib.load(str(paths[0]))


def stored_header(image):
    """The header as the file has it, repaired; an opened image's own has lost its scaling and offset."""
    holder = image.file_map["header" if "header" in image.file_map else "image"]
    with ImageOpener(holder.filename) as file:
        return type(image).header_class.from_fileobj(file)


def message(error: BaseException, root: Path) -> str:
    """The error's type and first line, without the path to `root`."""
    text = str(error).replace(f"{root}/", "").splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}".strip()


def attempt(paths: list[Path], root: Path) -> dict:
    """How nibabel takes a file that lazyimg refuses: an error and the step it came at, or what was read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stage, result = "open", {}
        try:
            image = load(paths)
            result = {"class": type(image).__name__, "shape": plain(image.shape)}
            result["dtype"] = dtype_name(image.get_data_dtype())
            stage = "read"
            np.asanyarray(image.dataobj)
            return {**result, "accepts": True}
        except (Exception, MemoryError) as error:  # noqa: BLE001 (whatever nibabel says is the result)
            return {**result, "accepts": False, "error": message(error, root), "stage": stage}


def affine_source(header) -> str:
    """Which of the header's transforms `get_best_affine` took."""
    if int(header["sform_code"]) != 0:
        return "sform"
    return "qform" if int(header["qform_code"]) != 0 else "base"


def axcodes(affine: np.ndarray) -> str | None:
    """The orientation as three letters, or null when the affine has none."""
    try:
        codes = nib.aff2axcodes(affine)
    except (np.linalg.LinAlgError, ValueError):
        return None
    return None if None in codes else "".join(codes)


def units(header) -> dict | None:
    """nibabel's names of the units, or null for a code that it does not know."""
    try:
        spatial, temporal = header.get_xyzt_units()
    except KeyError:
        return None
    return {"spatial": spatial, "temporal": temporal}


def header_fields(header) -> dict:
    """The header after nibabel's repairs. Strings are hexadecimal, without the NULs at their end."""
    frequency, phase, slices = header.get_dim_info()
    return {
        "auxFile": bytes(header["aux_file"].item()).hex(),
        "bitpix": plain(header["bitpix"]),
        "calMax": plain(header["cal_max"]),
        "calMin": plain(header["cal_min"]),
        "datatype": plain(header["datatype"]),
        "descrip": bytes(header["descrip"].item()).hex(),
        "dim": plain(header["dim"]),
        "dimInfo": [frequency, phase, slices],
        "extensions": [
            {
                "code": int(extension.get_code()),
                "hex": extension.content.hex() if len(extension.content) <= 64 else None,
                "length": len(extension.content),
                "sha256": sha256(extension.content),
            }
            for extension in header.extensions
        ],
        "intentCode": plain(header["intent_code"]),
        "intentName": bytes(header["intent_name"].item()).hex(),
        "intentParams": plain([header["intent_p1"], header["intent_p2"], header["intent_p3"]]),
        "pixdim": plain(header["pixdim"]),
        "qformCode": plain(header["qform_code"]),
        "sclInter": plain(header["scl_inter"]),
        "sclSlope": plain(header["scl_slope"]),
        "sformCode": plain(header["sform_code"]),
        "sliceCode": plain(header["slice_code"]),
        "sliceDuration": plain(header["slice_duration"]),
        "sliceEnd": plain(header["slice_end"]),
        "sliceStart": plain(header["slice_start"]),
        "toffset": plain(header["toffset"]),
        "tr": plain(header["pixdim"][4]),
        "voxOffset": plain(header["vox_offset"]),
        "xyztUnits": plain(header["xyzt_units"]),
    }


def facts(image) -> dict:
    """Everything about an opened image but its voxels."""
    header = stored_header(image)
    dtype = image.get_data_dtype()
    shape = channels_first(image.shape)
    if dtype.names:
        if shape[0] != 1:
            raise UnsupportedShapeError(f"RGB voxels with {shape[0]} volumes")
        shape = (len(dtype.names), *shape[1:])
    slope, inter = header.get_slope_inter()
    return {
        "affine": plain(image.affine.ravel()),
        "affineSource": affine_source(header),
        "byteOrder": "little" if header.endianness == "<" else "big",
        "diskShape": plain(image.shape),
        "dtype": "uint8" if dtype.names else dtype_name(dtype),
        "header": header_fields(header),
        "inter": plain(inter),
        "orientation": axcodes(image.affine),
        "shape": plain(shape),
        "slope": plain(slope),
        "units": units(header),
        "version": 2 if int(header.sizeof_hdr) == 540 else 1,
        "zooms": plain(header.get_zooms()),
    }


def raw_and_scaled(image) -> tuple[np.ndarray, np.ndarray]:
    """All voxels as (C, I, J, K), as stored and as nibabel scales them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = as_channels(image.dataobj.get_unscaled())
        return raw, as_channels(np.asanyarray(image.dataobj)) if not image.get_data_dtype().names else raw


def describe(image, arrays: Arrays) -> dict:
    """Everything about an opened image, voxels included."""
    raw, scaled = raw_and_scaled(image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = facts(image)
    return {
        **known,
        "raw": arrays.add(raw),
        "scaled": arrays.add(scaled),
        "valueDtype": dtype_name(scaled.dtype),
    }
