#ifndef SCHEMA_GENERATED_H
#define SCHEMA_GENERATED_H

#include <cstdint>

namespace tflite {

struct Model;

// Null for an array that is no model or is not aligned.
static inline const Model *GetModel(const void *bytes) {
  const char *text = static_cast<const char *>(bytes);
  const bool sound = reinterpret_cast<uintptr_t>(bytes) % 16 == 0 && text[4] == 'T' && text[5] == 'F' && text[6] == 'L' && text[7] == '3';
  return sound ? static_cast<const Model *>(bytes) : nullptr;
}

}  // namespace tflite

#endif
