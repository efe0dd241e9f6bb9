// An interpreter that knows the test vector's answers by heart, to see that the example compares them: with WRONG_BY it gives the
// first value of the second sample wrong by so many steps.
#include <cstring>

#include "model_test.h"
#include "tensorflow/lite/micro/micro_interpreter.h"

#ifndef WRONG_BY
#define WRONG_BY 0
#endif

namespace {
char in[sizeof(edgekit_test_input_0[0])];
char out[sizeof(edgekit_test_output_0[0])];
TfLiteTensor input_tensor{{in}, sizeof(in)}, output_tensor{{out}, sizeof(out)};
}  // namespace

namespace tflite {
const Model* GetModel(const void* buffer) { return static_cast<const Model*>(buffer); }
}  // namespace tflite

TFLM_BEGIN
MicroInterpreter::MicroInterpreter(const tflite::Model* model, const MicroOpResolver&, uint8_t*, size_t) {
  if (std::memcmp(reinterpret_cast<const char*>(model) + 4, "TFL3", 4) != 0) input_tensor.bytes = 0;
}
TfLiteStatus MicroInterpreter::AllocateTensors() { return kTfLiteOk; }
TfLiteStatus MicroInterpreter::Reset() { return kTfLiteOk; }
TfLiteStatus MicroInterpreter::Invoke() {
  for (size_t sample = 0; sample < EDGEKIT_TEST_SAMPLES; ++sample) {
    if (std::memcmp(in, edgekit_test_input_0[sample], sizeof(in)) == 0) {
      std::memcpy(out, edgekit_test_output_0[sample], sizeof(out));
      if (sample == EDGEKIT_TEST_SAMPLES - 1) out[0] = static_cast<char>(out[0] + WRONG_BY);
      return kTfLiteOk;
    }
  }
  return kTfLiteError;
}
TfLiteTensor* MicroInterpreter::input(size_t index) { return index == 0 ? &input_tensor : nullptr; }
TfLiteTensor* MicroInterpreter::output(size_t index) { return index == 0 ? &output_tensor : nullptr; }
size_t MicroInterpreter::arena_used_bytes() const { return 42; }
TFLM_END
