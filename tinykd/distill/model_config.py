"""What a model file's configuration may name: layers of the Kerases, never code of its own.

A Keras file is data, but its configuration can carry marshalled Python (`Lambda`) or the name of any importable function.
Legacy HDF5 files are loaded by Keras without its safe mode, so the configuration is looked through before Keras sees it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinykd.errors import ToolError, UnsupportedModel

#: Packages whose classes a configuration may name.
TRUSTED_PACKAGES = ("keras", "tf_keras", "tensorflow", "builtins")


@dataclass(frozen=True)
class ModelConfig:
    """A model file's description of itself.

    Attributes:
        keras_version: "2.x" was written by tf_keras (or TensorFlow's own Keras), "3.x" by Keras 3.
        layers: Configuration tree.
    """

    keras_version: str
    layers: Any


def read_config(path: Path) -> ModelConfig:
    """The configuration inside a `.keras` or `.h5` file.

    Raises:
        UnsupportedModel: damaged, without an architecture, or carrying code.
    """
    config = CONFIG_READERS[path.suffix](path)
    refuse_code(config.layers, path)
    return config


def refuse_code(layers: Any, path: Path) -> None:
    """Fail if any object of the configuration is a Lambda or comes from outside the Kerases.

    Raises:
        UnsupportedModel: naming the object.
    """
    for node in _objects(layers):
        name = str(node.get("config", {}).get("name", "")) if isinstance(node.get("config"), dict) else ""
        if node.get("class_name") in ("Lambda", "__lambda__", "function"):
            raise UnsupportedModel(
                f"{path}: layer '{name}' is Python code inside the file (Lambda), which is never run",
                "rebuild the teacher without Lambda layers, or store its outputs in an .npz and pass that",
            )
        module = node.get("module")
        if module and str(module).split(".")[0] not in TRUSTED_PACKAGES:
            raise UnsupportedModel(
                f"{path}: '{name}' is a {module}.{node.get('class_name')}, which is code outside Keras",
                "store the teacher's outputs in an .npz (logits_train, logits_validation, logits_test) and pass that",
            )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object with a class name, depth first."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if "class_name" in node:
                yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _from_keras(path: Path) -> ModelConfig:
    try:
        with zipfile.ZipFile(path) as archive:
            version = json.loads(archive.read("metadata.json")).get("keras_version", "")
            return ModelConfig(str(version), json.loads(archive.read("config.json")))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, AttributeError) as error:
        raise UnsupportedModel(f"{path} is not a .keras model: {error}", "save it again with model.save('teacher.keras')") from None


def _from_hdf5(path: Path) -> ModelConfig:
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError:
        raise ToolError("h5py, which reads .h5 models, is not installed", "pip install 'tinykd[train]'") from None
    try:
        with h5py.File(path, "r") as file:
            attributes = file.attrs
            if "model_config" not in attributes:
                raise UnsupportedModel(f"{path} holds weights but no architecture", "save the whole model: model.save('teacher.keras')")
            return ModelConfig(_text(attributes.get("keras_version", "2")), json.loads(_text(attributes["model_config"])))
    except (OSError, ValueError, KeyError) as error:
        raise UnsupportedModel(f"{path} is not a .h5 model: {error}", "save it again with model.save('teacher.keras')") from None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


CONFIG_READERS = {
    ".keras": _from_keras,
    ".h5": _from_hdf5,
    ".hdf5": _from_hdf5,
}
