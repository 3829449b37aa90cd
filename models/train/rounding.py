"""Networks in 8 bits: rounded weights and sums, fitted to examples.

Weights are kept to 7 bits, because AVX2 adds pairs of products in 16 bits and would cut off larger
ones. The first and the last convolution may stay in full precision, where a network needs it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

Input = npt.NDArray[np.uint8]


class _Examples(CalibrationDataReader):  # type: ignore[misc]
    """Examples as inputs of the network."""

    def __init__(self, name: str, examples: Iterator[Input]) -> None:
        self._name = name
        self._examples = examples

    def get_next(self) -> dict[str, Input] | None:
        """The next input by its name, None at the end."""
        example = next(self._examples, None)
        return None if example is None else {self._name: example}


def round_network(
    exact: Path,
    target: Path,
    examples: Iterator[Input],
    *,
    rounded: Sequence[str],
    first_is_exact: bool = False,
) -> None:
    """Writes `exact` in 8 bits to `target`; its last convolution stays in full precision.

    Args:
        exact: an ONNX file with one input.
        target: the ONNX file to write.
        examples: what the network will see, each with its leading dimension.
        rounded: the operations that are done in 8 bits.
        first_is_exact: whether the first convolution stays in full precision, too.

    Raises:
        OSError: `exact` cannot be read, or `target` not written.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        quant_pre_process(str(exact), str(plain), skip_symbolic_shape=True)
        graph = onnx.load(plain).graph
        convolutions = [node.name for node in graph.node if node.op_type == "Conv"]
        left_exact = [*convolutions[: int(first_is_exact)], *convolutions[-1:]]
        quantize_static(
            str(plain),
            str(target),
            _Examples(graph.input[0].name, examples),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(rounded),
            nodes_to_exclude=left_exact,
            calibrate_method=CalibrationMethod.MinMax,
        )
