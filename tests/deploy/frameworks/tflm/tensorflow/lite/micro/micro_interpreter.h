// Of TFLite Micro's interface what the example of an array uses. An inference copies bytes of the model to its output.
#ifndef MICRO_INTERPRETER_H
#define MICRO_INTERPRETER_H

#include <cstddef>
#include <cstdint>
#include <cstdio>

enum TfLiteStatus { kTfLiteOk, kTfLiteError };
struct TfLiteTensor {
  union { char *raw; } data;
  size_t bytes;
};

namespace tflite {

struct Model;

struct MicroInterpreter {
  template <class Resolver>
  MicroInterpreter(const Model *model, const Resolver &resolver, uint8_t *arena, size_t bytes)
      : ready(model != nullptr && resolver.full() && reinterpret_cast<uintptr_t>(arena) % 16 == 0 && bytes >= 16) {
    tensor.data.raw = reinterpret_cast<char *>(arena);
    tensor.bytes = 8;
  }
  TfLiteStatus AllocateTensors() { return ready ? kTfLiteOk : kTfLiteError; }
  TfLiteStatus Invoke() { return kTfLiteOk; }
  size_t inputs_size() { return 1; }
  TfLiteTensor *input(size_t) { return &tensor; }
  TfLiteTensor *output(size_t) { return &tensor; }
  size_t arena_used_bytes() { return 16; }
  bool ready;
  TfLiteTensor tensor;
};

}  // namespace tflite

#endif
