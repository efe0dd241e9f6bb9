// The part of TensorFlow Lite Micro's public interface that edgekit's files use, as declarations: for compiling these files where
// the sources of tflite-micro cannot be had. Names and signatures after
// https://github.com/tensorflow/tflite-micro, tensorflow/lite/micro/micro_mutable_op_resolver.h and micro_interpreter.h.
// TFLM_IN_MICRO puts the classes where they are since 2026 (tflite::micro), else where they were (tflite).
#pragma once
#include <cstddef>
#include <cstdint>

#ifdef TFLM_IN_MICRO
#define TFLM_BEGIN namespace tflite { namespace micro {
#define TFLM_END } }
#else
#define TFLM_BEGIN namespace tflite {
#define TFLM_END }
#endif

#ifndef TFLM_IN_MICRO
typedef enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;
#endif

TFLM_BEGIN
#ifdef TFLM_IN_MICRO
typedef enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;
#endif

class MicroOpResolver {};

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
#define TFLM_ADD(Name) \
  TfLiteStatus Add##Name() { return count_ < tOpCount ? (++count_, kTfLiteOk) : kTfLiteError; }
#include "methods.inc"
#undef TFLM_ADD
  unsigned int GetRegistrationLength() { return count_; }

 private:
  unsigned int count_ = 0;
};
TFLM_END
