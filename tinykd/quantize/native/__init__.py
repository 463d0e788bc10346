"""The `native` engine: quantization-aware training in Keras 3, and integers written without a converter."""
