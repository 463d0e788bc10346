"""The only door through which TensorFlow and the two Kerases are imported.

Order matters: `TF_USE_LEGACY_KERAS` must be set before TensorFlow is imported, because tensorflow-model-optimization takes
its Keras from `tf.keras`. With it, `tf.keras` is `tf_keras` while `import keras` stays Keras 3, both on one TensorFlow.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import IO

from tinykd.errors import ToolError

_ENVIRONMENT = {
    "TF_USE_LEGACY_KERAS": "1",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def tensorflow() -> ModuleType:
    """TensorFlow, quiet.

    Raises:
        ToolError: TensorFlow is not installed, or another import configured it first.
    """
    if "tensorflow" not in sys.modules:
        os.environ.update(_ENVIRONMENT)
        with native_stderr_hidden():
            module = _import("tensorflow")
            _import("keras")
        module.get_logger().setLevel("ERROR")
    elif os.environ.get("TF_USE_LEGACY_KERAS") != "1" or os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise ToolError(
            "TensorFlow was imported before tinykd could choose its Keras",
            "set TF_USE_LEGACY_KERAS=1 and KERAS_BACKEND=tensorflow, or import tinykd.distill.keras_modules first",
        )
    return _import("tensorflow")


def keras() -> ModuleType:
    """Keras 3 on TensorFlow: what teachers and students are made of."""
    tensorflow()
    return _import("keras")


def tf_keras() -> ModuleType:
    """Keras 2: what tensorflow-model-optimization and legacy files are made of."""
    tensorflow()
    return _import("tf_keras")


def model_optimization() -> ModuleType:
    """tensorflow-model-optimization, on `tf_keras`."""
    tf_keras()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return _import("tensorflow_model_optimization")


@contextlib.contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Keep TensorFlow's C++ start-up and converter chatter off the terminal; show it after all if the block raises."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # no stderr at all: nothing to hide
        yield
        return
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except Exception:
            os.dup2(saved, 2)
            _replay(sink)
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


def _replay(sink: IO[bytes]) -> None:
    sink.seek(0)
    os.write(2, sink.read())


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolError(f"training needs {name}, which cannot be imported: {error}", "pip install 'tinykd[train]'") from error
