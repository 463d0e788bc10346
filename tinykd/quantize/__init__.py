"""Quantization: quantization-aware training, conversion to int8 `.tflite`, and the accuracy of its integers."""
