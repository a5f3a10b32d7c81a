#!/usr/bin/env python3
"""Writes the golden vectors of what ITK reads, by SimpleITK: `tests/golden/itk/`.

    python tools/oracle/itk.py            # write them again
    python tools/oracle/itk.py --check    # change nothing; read the files again, fail when they are something else

Runs itself in a virtual environment of its own with what `requirements-itk.txt` pins. Some writers put the time into
their files, so that these are not the same twice; what they are must be.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path

from environment import GOLDEN, golden, inside


def volume(dtype, shape):
    """Values that are all different where the type has that many."""
    import numpy as np

    count = int(np.prod(shape))
    return (np.arange(count) * 89 % 256).astype(dtype).reshape(shape)


def save(folder, name, dtype, shape, *, vector=False):
    """An image away from the origin, anisotropic, and turned where the format can say so."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(volume(dtype, shape), isVector=vector)
    flat = image.GetDimension() == 2
    image.SetSpacing((0.5, 0.25) if flat else (2, 2.5, 3))
    image.SetOrigin((1, 2) if flat else (-90, 126, -72))
    if not flat:
        image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
    SimpleITK.WriteImage(image, str(folder / name))


def save_dicom(path):
    """A CT slice, turned, with a rescale slope."""
    import pydicom
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slice_ = pydicom.dataset.FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    slice_.SOPClassUID = CTImageStorage
    slice_.SOPInstanceUID = "1.2.3.4.5"
    slice_.Modality = "CT"
    slice_.ImagePositionPatient = [-90, 126, -72]
    slice_.ImageOrientationPatient = [0, 1, 0, -1, 0, 0]
    slice_.PixelSpacing = [2.5, 2]
    slice_.SliceThickness = 3
    slice_.RescaleSlope, slice_.RescaleIntercept = 2, -1024
    slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
    slice_.Rows, slice_.Columns = 5, 7
    slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit, slice_.PixelRepresentation = 16, 16, 15, 1
    slice_.PixelData = volume("<i2", (5, 7)).tobytes()
    slice_.save_as(path, enforce_file_format=True)


def write(folder):
    """Every file, by SimpleITK and pydicom."""
    for extension in ["gipl", "gipl.gz", "vtk", "mrc", "hdf5", "mnc", "tif"]:
        save(folder, f"int16.{extension}", "i2", (4, 3, 2))
    for extension in ["pic", "lsm"]:
        save(folder, f"uint8.{extension}", "u1", (4, 3, 2))
    for extension in ["mrc", "tif"]:
        save(folder, f"float32.{extension}", "f4", (4, 3, 2))
    save(folder, "int64.vtk", "i8", (4, 3, 2))
    save(folder, "vector.vtk", "f4", (4, 3, 2, 3), vector=True)
    for extension in ["png", "jpg", "bmp"]:
        save(folder, f"flat.{extension}", "u1", (5, 7))
    save(folder, "rgb.png", "u1", (5, 7, 3), vector=True)
    save(folder, "rgb.tif", "u1", (5, 7, 3), vector=True)
    save(folder, "uint16.png", "u2", (5, 7))
    save_dicom(folder / "slice.dcm")


def expected(path):
    """What SimpleITK makes of a file, turned to RAS: (C, I, J, K) in C order, little-endian."""
    import numpy as np
    import SimpleITK

    image = SimpleITK.ReadImage(str(path))
    dimension = image.GetDimension()
    array = SimpleITK.GetArrayFromImage(image)
    if image.GetNumberOfComponentsPerPixel() > 1:
        array = np.moveaxis(array, -1, 0)
    else:
        array = array[np.newaxis]
    array = array.reshape(array.shape[0], *(1,) * (3 - dimension), *array.shape[1:]).transpose(0, 3, 2, 1)
    affine = np.eye(4)
    direction = np.reshape(image.GetDirection(), (dimension, dimension))
    affine[:dimension, :dimension] = direction * image.GetSpacing()
    affine[:dimension, 3] = image.GetOrigin()
    affine = np.diag([-1, -1, 1, 1]) @ affine + 0
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    return {
        "affine": affine.ravel().tolist(),
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "data": base64.b64encode(little.tobytes()).decode(),
    }


def files(folder):
    """Every file of a folder, and what is in them."""
    paths = [path for path in sorted(folder.iterdir()) if path.suffix != ".json" and not path.name.startswith(".")]
    facts = {path.name: expected(path) for path in paths}
    text = json.dumps(facts, indent=1, sort_keys=True) + "\n"
    return {"expected.json": text.encode(), **{path.name: path.read_bytes() for path in paths}}


if __name__ == "__main__":
    inside(Path(__file__).with_name("requirements-itk.txt"))
    if "--check" in sys.argv:
        sys.exit(golden("itk", files(GOLDEN / "itk"), check=True))
    with tempfile.TemporaryDirectory() as temporary:
        write(Path(temporary))
        sys.exit(golden("itk", files(Path(temporary)), check=False))
