#pragma once
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

union TfLitePtrUnion {
  char* raw;
  const char* raw_const;
  int8_t* int8;
  float* f;
};
struct TfLiteTensor {
  TfLitePtrUnion data;
  size_t bytes;
};

TFLM_BEGIN
// What it computes is in tests/emit/tflm/answers.cc: the answers that it is given there.
class MicroInterpreter {
 public:
  MicroInterpreter(const tflite::Model* model, const MicroOpResolver& resolver, uint8_t* arena, size_t arena_size);
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteStatus Reset();
  TfLiteTensor* input(size_t index);
  TfLiteTensor* output(size_t index);
  size_t arena_used_bytes() const;
};
TFLM_END
