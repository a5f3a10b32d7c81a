#!/usr/bin/env python3
"""Makes the model of onnxruntime-web/, and the numbers that the examples print, with ONNX's reference evaluator and numpy.

    python -m venv venv && venv/bin/pip install onnx==1.23.2 nibabel==5.3.2
    venv/bin/python model.py           writes the model, prints the number
    venv/bin/python model.py --check   fails where the model or an example has another

The model averages 3 x 3 x 3 voxels, without those beyond the border, and gives 1 where the mean is above 300.51.
"""

import re
import sys
from pathlib import Path

import nibabel
import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

HERE = Path(__file__).resolve().parent
MODEL = HERE / "onnxruntime-web" / "model.onnx"
THRESHOLD = 300.51  # no mean of 8, 12, 18 or 27 integers comes near it


def make_model() -> onnx.ModelProto:
    size = ["N", 1, "I", "J", "K"]
    nodes = [
        helper.make_node(
            "AveragePool", ["image"], ["mean"], kernel_shape=[3, 3, 3], pads=[1] * 6, count_include_pad=0
        ),
        helper.make_node("Greater", ["mean", "threshold"], ["above"]),
        helper.make_node("Cast", ["above"], ["mask"], to=TensorProto.UINT8),
    ]
    graph = helper.make_graph(
        nodes,
        "mean_above",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info("mask", TensorProto.UINT8, size)],
        [helper.make_tensor("threshold", TensorProto.FLOAT, [], [THRESHOLD])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def part() -> np.ndarray:
    """Planes 24 to 40 of the sample volume in RAS+, float32."""
    image = nibabel.load(HERE / "phantom.nii.gz")
    return nibabel.as_closest_canonical(image).get_fdata(dtype=np.float32)[..., 24:40]


def mean_above(voxels: np.ndarray) -> np.ndarray:
    """The same as the model, by numpy."""
    total, count = np.zeros(voxels.shape), np.zeros(voxels.shape)
    padded = np.pad(voxels.astype(np.float64), 1)
    inside = np.pad(np.ones(voxels.shape), 1)
    for i, j, k in np.ndindex(3, 3, 3):
        window = np.s_[i : i + voxels.shape[0], j : j + voxels.shape[1], k : k + voxels.shape[2]]
        total += padded[window]
        count += inside[window]
    return total / count > THRESHOLD


if __name__ == "__main__":
    model, voxels = make_model(), part()
    (mask,) = ReferenceEvaluator(model).run(None, {"image": voxels[None, None]})
    expected = int(mean_above(voxels).sum())
    assert int(mask.sum()) == expected, (int(mask.sum()), expected)
    if "--check" in sys.argv:
        assert MODEL.read_bytes() == model.SerializeToString(), f"{MODEL} is another"
        for example in ("onnxruntime-web", "tensorflow"):
            code = (HERE / example / "main.ts").read_text()
            said = re.findall(r"sum.*// -> (\d+)$", code, re.MULTILINE)
            assert said == [str(expected)], f"{example} says {said}, not {expected}"
    else:
        MODEL.write_bytes(model.SerializeToString())
    print(expected)
