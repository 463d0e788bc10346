"""tinykd: from a Keras teacher to int8 firmware proven in an emulator."""

__version__ = "0.1.0"
