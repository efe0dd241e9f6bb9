"""A technique that exists only for a test: int8 whose dense kernels are stored in 4 bits.

Nothing in edgekit knows of weights that take half a byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined
from edgekit.techniques.integer import IntegerConversion, Settings, integer
from edgekit.techniques.interface import Evidence, Task
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels

LARGEST, LARGEST_INT8 = 7, 127


class Int4Weights(IntegerConversion):
    """int8 activations, int4 weights in dense kernels."""

    name = "int4_weights"

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Where LiteRT unpacks them."""
        return (Settings(),) if task.profile.runtime.kind == "litert" else self.declined("LiteRT alone unpacks int4")

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """Half a byte a weight; a file of dense layers alone is assumed."""
        return integer(graph).changed(lambda node: {"weight_bits": 4})

    def finish(self, door: Any, content: bytes, settings: Settings) -> bytes:
        """Round each dense kernel to 15 values and pack two of them into a byte."""
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        graph = model.subgraphs[0]
        for operator in graph.operators:
            if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
                kernel, *biases = (graph.tensors[index] for index in operator.inputs[1:] if index >= 0)
                _to_int4(model.buffers[kernel.buffer], kernel)
                for bias in biases:
                    _rescale(model.buffers[bias.buffer], bias)
        builder = flatbuffers.Builder(len(content))
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Every dense kernel is int4."""
        found = [kernel.dtype for kernel in kernels(tflite) if kernel.operator.name == "FULLY_CONNECTED"]
        detail = f"{found.count('int4')} of {len(found)} dense kernels are int4"
        return Evidence(technique=self.name, holds=0 < found.count("int4") == len(found), detail=detail)


def _to_int4(buffer: Any, tensor: Any) -> None:
    whole = np.asarray(buffer.data, np.uint8).view(np.int8).astype(np.float32)
    few = np.rint(whole * LARGEST / LARGEST_INT8).astype(np.int8)
    pairs = np.append(few, np.zeros(len(few) % 2, np.int8)).reshape(-1, 2)
    buffer.data = ((pairs[:, 0] & 15) | ((pairs[:, 1] & 15) << 4)).astype(np.uint8)
    tensor.type = schema.TensorType.INT4
    tensor.quantization.scale = np.asarray(tensor.quantization.scale) * (LARGEST_INT8 / LARGEST)


def _rescale(buffer: Any, tensor: Any) -> None:
    """A bias is counted in the scale of its input times that of its kernel."""
    whole = np.asarray(buffer.data, np.uint8).view(np.int32)
    buffer.data = np.rint(whole * (LARGEST / LARGEST_INT8)).astype(np.int32).view(np.uint8)
    tensor.quantization.scale = np.asarray(tensor.quantization.scale) * (LARGEST_INT8 / LARGEST)
