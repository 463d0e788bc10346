// A resolver that refuses, as TFLite Micro's does, more operators than it has room for, and knows whether it is full.
#ifndef MICRO_MUTABLE_OP_RESOLVER_H
#define MICRO_MUTABLE_OP_RESOLVER_H

#include "tensorflow/lite/micro/micro_interpreter.h"

namespace tflite {

template <unsigned room>
struct MicroMutableOpResolver {
  TfLiteStatus AddConv2D() { return one(); }
  TfLiteStatus AddFullyConnected() { return one(); }
  TfLiteStatus one() { return registered++ < room ? kTfLiteOk : kTfLiteError; }
  bool full() const { return registered == room; }
  unsigned registered = 0;
};

}  // namespace tflite

#endif
