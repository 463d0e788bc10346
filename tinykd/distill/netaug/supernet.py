"""The wide network around a tiny one, sharing its weights: the tiny network is the leading channels of every layer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.netaug.cut import Configuration, WideVariable, segments
from tinykd.distill.netaug.groups import Grouping, find_groups
from tinykd.distill.tap import LOGITS, tap
from tinykd.distill.trainable import Trainable
from tinykd.recipe.netaug import NetAug


@dataclass(frozen=True, eq=False)
class Supernet(Trainable):
    """To the training loop it is the tiny network; `drawn` is another configuration of the same weights.

    Attributes:
        model: The wide Keras model, with outputs by name: `logits`, and the layers that somebody reads.
        student: The plain Keras model that it was made around; it keeps its weights until `extract`.
        grouping: Channels that are widened together.
        configuration: What its layers compute with.
        wide: Its weights.
        tiny: The student's weights, each the tiny part of the wide one in the same place.
    """

    student: Any
    grouping: Grouping
    configuration: Configuration
    wide: tuple[WideVariable, ...]
    tiny: tuple[Any, ...]

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Logits of the tiny network, `[batch, classes]`."""
        return self.tapped(x, training)[LOGITS]

    def tapped(self, x: Any, training: bool = False) -> Mapping[str, Any]:
        """Every output of the tiny network by name."""
        with self._computing(self.configuration.tiniest(), tiny=True):
            outputs: Mapping[str, Any] = self.model(x, training=training)
        return outputs

    def drawn(self, x: Any, channels: Any, training: bool = False) -> Mapping[str, Any]:
        """Every output of a configuration by name. Batch-norm statistics stay as they are.

        Args:
            x: Inputs.
            channels: Of each group: numbers, or an integer tensor `[groups]`.
            training: As everywhere in Keras.
        """
        with self._computing([channels[group] for group in range(len(self.grouping.groups))], tiny=False):
            outputs: Mapping[str, Any] = self.model(x, training=training)
        return outputs

    def extract(self) -> Any:
        """Put the tiny network's weights into the student, and return it."""
        for ours, theirs in zip(self.tiny, self.wide, strict=True):
            ours.assign(theirs.variable.numpy()[theirs.tiny(self.grouping.groups)])
        return self.student

    def insert(self) -> None:
        """Put the student's weights where the tiny network's are."""
        for ours, theirs in zip(self.tiny, self.wide, strict=True):
            values = np.array(theirs.variable.numpy())
            values[theirs.tiny(self.grouping.groups)] = ours.numpy()
            theirs.variable.assign(values)

    def sort(self, also: Sequence[WideVariable] = ()) -> None:
        """Move the channels with the largest L1 norm of the weights that read them to the front of each widened group.

        What the widest configuration computes stays the same, but for the order of additions.

        Args:
            also: What goes with the weights: an optimizer's slots.
        """
        groups = self.grouping.groups
        importance = self._importance()
        orders = {group: np.argsort(-norms, kind="stable") for group, norms in importance.items()}
        for one in (*self.wide, *also):
            one.variable.assign(one.variable.numpy()[one.reordered(groups, orders)])

    def _importance(self) -> dict[int, NDArray[np.float64]]:
        """By group: the L1 norm, `[widest]`, of what the kernels behind it multiply each channel with."""
        groups = self.grouping.groups
        norms = {group: np.zeros(groups[group].widest) for group in range(len(groups))}
        for one in self.wide:
            if set(one.axes) != {-2, -1}:  # not a kernel that mixes channels
                continue
            layout = one.axes[-2]
            kernel = np.abs(one.variable.numpy().astype(np.float64))
            read = kernel.sum(axis=tuple(axis for axis in range(kernel.ndim) if axis != kernel.ndim - 2))
            read = read.reshape(layout.repeats, -1).sum(axis=0)
            for group, start, count in segments(groups, layout):
                if group is not None:
                    norms[group] += read[start : start + count]
        return norms

    @contextlib.contextmanager
    def _computing(self, channels: Sequence[Any], *, tiny: bool) -> Iterator[None]:
        self.configuration.channels, self.configuration.tiny = channels, tiny
        try:
            yield
        finally:
            self.configuration.channels, self.configuration.tiny = self.configuration.widest(), False


def supernet(student: Any, section: NetAug, layers: Sequence[str] = ()) -> Supernet:
    """The supernet around a functional or sequential Keras 3 model, with first weights as the recipe says.

    Fresh weights come from Keras's global generator: seed it before.

    Args:
        student: Inputs -> logits `[batch, classes]`.
        section: Factors, and first weights.
        layers: Of the student, which a loss reads.

    Raises:
        UnsupportedModel: a layer is used twice, or nothing can be widened.
    """
    keras = _keras()
    from tinykd.distill.netaug.layers import ELASTIC, Elastic, elastic

    # A list of one input would make Keras warn about every call with an array. A Sequential has no `input`.
    inputs = student.inputs[0] if len(student.inputs) == 1 else student.inputs
    plain = keras.Model(inputs, student.outputs[0], name=student.name)
    grouping = find_groups(plain, section)
    configuration = Configuration(grouping.groups)
    configuration.channels = configuration.widest()

    def widened(layer: Any) -> Any:
        name = layer.name
        if type(layer).__name__ in ELASTIC and name in grouping.entering and name not in grouping.kept:
            return elastic(layer, configuration, grouping.entering[name], grouping.leaving[name])
        return type(layer).from_config(layer.get_config())

    wide = keras.models.clone_model(plain, clone_function=widened)
    by_name = {layer.name: layer for layer in wide.layers}
    ours, variables = [], []
    for layer in plain.layers:
        if not layer.variables:
            continue
        other = by_name[layer.name]
        ours += layer.variables
        variables += other.wide_variables() if isinstance(other, Elastic) else [WideVariable(variable, {}) for variable in other.variables]
    named = tap(wide, layers) if layers else keras.Model(wide.input, {LOGITS: wide.outputs[0]})
    made = Supernet(named, student, grouping, configuration, tuple(variables), tuple(ours))
    made.insert()
    if section.init == "kaiming_uniform":
        _kaiming_uniform([layer for layer in wide.layers if isinstance(layer, Elastic)])
    return made


def _kaiming_uniform(layers: Sequence[Any]) -> None:
    """`U(-b, b)`, `b = 1 / sqrt(fan in)`, for kernels and biases: He 2015 with negative slope sqrt(5), as the reference has it."""
    keras = _keras()
    for layer in layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        depthwise = "Depthwise" in type(layer).__name__
        bound = float(np.prod(kernel.shape[:-2] if depthwise else kernel.shape[:-1])) ** -0.5
        for variable in filter(lambda one: one is not None, (kernel, layer.bias if layer.use_bias else None)):
            variable.assign(keras.random.uniform(variable.shape, -bound, bound))
