"""C++ code that registers exactly the operators of a model with `tflite::MicroMutableOpResolver`.

A kernel that is not registered is not linked, which is most of what a firmware saves. The names of the methods are those of
tensorflow/lite/micro/micro_mutable_op_resolver.h; most follow from the operators' names. Its classes were in
the namespace `tflite` and are in `tflite::micro` in the releases of 2026; the text works with both.
"""

from __future__ import annotations

from edgekit.tflite.model import TfliteModel
from edgekit.tflite.operators import load_table

TABLE = "tflite-micro-2026-10"
STATEFUL = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
"""Operators for which the interpreter must be given resource variables, which the example does not."""
IRREGULAR = {
    "BATCH_MATMUL": "AddBatchMatMul",
    "CUMSUM": "AddCumSum",
    "L2_POOL_2D": "AddL2Pool2D",
    "PADV2": "AddPadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
    "CIRCULAR_BUFFER": "AddCircularBuffer",
    "TFLM_DECODE": "AddDecode",
    "TFLite_Detection_PostProcess": "AddDetectionPostprocess",
    "SignalPCAN": "AddPCAN",
}
"""Methods whose name does not follow from the operator's."""

_HEADER = """\
// The {count} operators of this model, for TensorFlow Lite Micro. Made by edgekit.
#ifndef EDGEKIT_MODEL_OPERATORS_H_
#define EDGEKIT_MODEL_OPERATORS_H_

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace tflite {{
namespace micro {{}}  // its classes are there since 2026, and before in tflite itself
}}  // namespace tflite

namespace edgekit {{
namespace tflm {{
using namespace ::tflite;
using namespace ::tflite::micro;
using Resolver = MicroMutableOpResolver<{size}>;
}}  // namespace tflm

using ModelResolver = tflm::Resolver;
{missing}
// Registers exactly the operators of the model; false where one could not be.
template <typename Resolver>
bool RegisterModelOperators(Resolver& resolver) {{
  constexpr int kOk = 0;  // kTfLiteOk
{calls}
  return true;
}}

}}  // namespace edgekit

#endif  // EDGEKIT_MODEL_OPERATORS_H_
"""


def operators_header(model: TfliteModel) -> str:
    """The text of `model_operators.h`; compiling it fails if tflite-micro lacks an operator of the model."""
    asked = dict.fromkeys((operator.name, operator.custom) for operator in model.operators)
    methods = {(name, custom): method_of(name, custom=custom) for name, custom in asked}
    known = [method for method in methods.values() if method is not None]
    calls = [f"  if (static_cast<int>(resolver.{method}()) != kOk) return false;" for method in known]
    lacking = [name for (name, _), method in methods.items() if method is None]
    missing = "".join(f'#error "TensorFlow Lite Micro has no operator {_plain(name)}"\n' for name in lacking)
    return _HEADER.format(
        count=len(known),
        size=max(1, len(known)),
        calls="\n".join(calls) or "  (void)resolver, (void)kOk;",
        missing=missing,
    )


def method_of(name: str, *, custom: bool = False) -> str | None:
    """The method of `MicroMutableOpResolver` that registers an operator; None if there is none.

    A `custom` operator is only looked up among custom ones, for its name may be that of a built-in one.

    >>> method_of("CONV_2D", custom=True) is None
    True
    >>> method_of("DEPTHWISE_CONV_2D"), method_of("RELU6"), method_of("SPLIT_V"), method_of("SignalFftAutoScale", custom=True)
    ('AddDepthwiseConv2D', 'AddRelu6', 'AddSplitV', 'AddFftAutoScale')
    """
    table = load_table(TABLE)
    if name not in (table.custom if custom else table.operators):
        return None
    if name in IRREGULAR:
        return IRREGULAR[name]
    if name.startswith("Signal"):
        return f"Add{name.removeprefix('Signal')}"
    return "Add" + "".join(_capital(part) for part in name.split("_"))


def _capital(part: str) -> str:
    """A word of a name with its first letter in upper case; 2D is unchanged."""
    return part if part[0].isdigit() else part[0] + part[1:].lower()


def _plain(name: str) -> str:
    """A name from a file, made safe for a line of C++."""
    return "".join(letter if letter.isalnum() or letter in "_-." else "?" for letter in name)[:60]
