"""A small program that runs the test vector on the board: it sets up the interpreter as a firmware does, and prints PASS or FAIL.

It is an example to copy from, and the first thing to flash: a board that prints PASS has the right model and operators, a
large enough arena, and the arithmetic that the accuracy was measured with.
"""

from __future__ import annotations

from edgekit.documents.test_vector import TestVector
from edgekit.emit.c_array import one_line

_TEXT = """\
// Runs the model on its test vector, on {device}, and prints PASS or FAIL. Made by edgekit anew by each build: copy it.
//
// Build it with model_data.cc, model_test.cc and TensorFlow Lite Micro (https://github.com/tensorflow/tflite-micro), C++17.
// printf must reach somewhere you can read: semihosting, or a serial port behind _write().
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>

#include "model_data.h"
#include "model_operators.h"
#include "model_test.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {{

using edgekit::tflm::MicroInterpreter;

#ifndef EDGEKIT_MODEL_ARENA_BYTES
#error "The arena is not known: set EDGEKIT_MODEL_ARENA_BYTES, and see what arena_used_bytes() says."
#endif
alignas(16) uint8_t arena[EDGEKIT_MODEL_ARENA_BYTES + EDGEKIT_MODEL_ARENA_MARGIN_BYTES];

// An optimized kernel may round the other way: a step of the output, or a little of a float.
template <typename T>
bool IsClose(T found, T expected) {{
  if constexpr (std::is_same_v<T, bool>) {{
    return found == expected;
  }} else {{
    if (found == expected || (found != found && expected != expected)) return true;  // infinite, or no number
    const double apart = static_cast<double>(found) - static_cast<double>(expected);
    const double size = static_cast<double>(expected < 0 ? -expected : expected);
    const double most = std::is_floating_point_v<T> ? 1e-5 + 1e-4 * size : {steps};
    return apart - apart == 0 && apart <= most && apart >= -most;  // infinitely far is not close to infinite
  }}
}}

template <typename T, size_t N>
bool Feed(MicroInterpreter& interpreter, size_t index, const T (&values)[N]) {{
  auto* tensor = interpreter.input(index);
  if (tensor == nullptr || tensor->bytes != sizeof(values)) return false;
  std::memcpy(tensor->data.raw, values, sizeof(values));
  return true;
}}

template <typename T, size_t N>
bool Matches(MicroInterpreter& interpreter, size_t index, const T (&expected)[N]) {{
  auto* tensor = interpreter.output(index);
  if (tensor == nullptr || tensor->bytes != sizeof(expected)) return false;
  size_t wrong = 0;
  for (size_t i = 0; i < N; ++i) {{
    T found;
    std::memcpy(&found, tensor->data.raw + i * sizeof(T), sizeof(T));
    if (!IsClose(found, expected[i])) ++wrong;
  }}
  if (wrong != 0) {{
    std::printf("output %u: %u of %u values differ\\n", static_cast<unsigned>(index), static_cast<unsigned>(wrong),
                static_cast<unsigned>(N));
  }}
  return wrong == 0;
}}

bool Test() {{
  edgekit::ModelResolver resolver;
  if (!edgekit::RegisterModelOperators(resolver)) return false;
  MicroInterpreter interpreter(::tflite::GetModel(edgekit_model), resolver, arena, sizeof(arena));
  if (static_cast<int>(interpreter.AllocateTensors()) != 0) {{
    std::printf("the arena is too small, or an operator is missing\\n");
    return false;
  }}
  for (size_t sample = 0; sample < EDGEKIT_TEST_SAMPLES; ++sample) {{
    interpreter.Reset();
{feeds}
    if (static_cast<int>(interpreter.Invoke()) != 0) return false;
{matches}
  }}
  std::printf("arena: %u of %u bytes used\\n", static_cast<unsigned>(interpreter.arena_used_bytes()),
              static_cast<unsigned>(sizeof(arena)));
  return true;
}}

}}  // namespace

int main() {{
  const bool passed = Test();
  std::printf(passed ? "PASS\\n" : "FAIL\\n");
  return passed ? 0 : 1;
}}
"""
STEPS = 1.0
"""By how many steps a board's integer outputs may differ: kernels with another rounding differ by so many here."""


def example(vector: TestVector, *, device: str) -> str:
    """The text of `model_main.cc`."""
    feeds = [
        f"    if (!Feed(interpreter, {place}, edgekit_test_input_{place}[sample])) return false;"
        for place in range(len(vector.inputs))
    ]
    matches = [
        f"    if (!Matches(interpreter, {place}, edgekit_test_output_{place}[sample])) return false;"
        for place in range(len(vector.outputs))
    ]
    return _TEXT.format(device=one_line(device), steps=STEPS, feeds="\n".join(feeds), matches="\n".join(matches))
