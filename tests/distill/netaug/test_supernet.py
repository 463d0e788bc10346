"""The wide network: its tiny part, its other configurations, and sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.distill.netaug.networks import NETWORKS, keras, random_weights, samples
from tinykd import nets
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.netaug.steps import slots
from tinykd.distill.netaug.supernet import Supernet, supernet
from tinykd.distill.optimizers import build_optimizer
from tinykd.distill.tap import LOGITS
from tinykd.recipe.model import Training
from tinykd.recipe.netaug import NetAug

pytestmark = pytest.mark.train

SECTION = NetAug(width=(1.0, 1.5, 2.0), expand=(1.0, 3.0))


def widened(name: str, **changes: Any) -> tuple[Supernet, Any]:
    student = NETWORKS[name]()
    made = supernet(student, SECTION.model_copy(update=changes))
    random_weights([one.variable for one in made.wide])
    return made, student


def widest(made: Supernet) -> list[int]:
    return [group.widest for group in made.grouping.groups]


def largest(made: Supernet, x: np.ndarray, training: bool) -> np.ndarray:
    return np.asarray(made.drawn(x, widest(made), training=training)[LOGITS])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_extracted_network_is_the_tiny_path(name: str) -> None:
    made, student = widened(name)
    x = samples(student)
    trained, tested = np.asarray(made(x, training=True)), np.asarray(made(x))
    made.extract()
    np.testing.assert_allclose(np.asarray(student(x)), tested, atol=1e-6)
    np.testing.assert_allclose(np.asarray(student(x, training=True)), trained, atol=1e-6)
    assert all("Elastic" not in type(layer).__name__ for layer in student.layers)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_student_begins_as_it_was(name: str) -> None:
    student = NETWORKS[name]()
    x = samples(student)
    before = np.asarray(student(x))
    made = supernet(student, SECTION)
    np.testing.assert_allclose(np.asarray(made(x)), before, atol=1e-6)
    assert largest(made, x, False).shape == before.shape


@pytest.mark.parametrize("name", NETWORKS)
def test_both_passes_move_the_same_statistics_as_the_student(name: str) -> None:
    """The tiny pass moves the student's moving averages; a drawn pass moves none."""
    made, student = widened(name)
    made.extract()
    x = samples(student)
    made(x, training=True)
    student(x, training=True)
    expected = [variable.numpy() for variable in student.variables]
    largest(made, x, True)
    for ours, values in zip(made.extract().variables, expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), values, atol=1e-6, err_msg=ours.path)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_sorting_leaves_the_largest_function_as_it_is(name: str, training: bool) -> None:
    made, student = widened(name)
    x = samples(student)
    before, tiny = largest(made, x, training), np.asarray(made(x))
    made.sort()
    np.testing.assert_allclose(largest(made, x, training), before, rtol=1e-4, atol=1e-5)
    assert np.abs(np.asarray(made(x)) - tiny).max() > 1e-4  # and changes the tiny one


def test_a_drawn_configuration_is_the_network_of_those_widths() -> None:
    """Against networks that Keras builds with the drawn widths, their weights sliced by hand."""
    made, student = widened("ds_cnn")
    x = samples(student)
    wide = {one.variable.path: one.variable.numpy() for one in made.wide}
    for drawn in ([3, 6, 12], [6, 4, 9], [4, 8, 6]):
        built = nets.build("ds_cnn", keras, (8, 8, 1), 4, width=drawn, depth=2)
        for variable in built.variables:
            variable.assign(wide[variable.path][tuple(slice(size) for size in variable.shape)])
        np.testing.assert_allclose(np.asarray(made.drawn(x, drawn)[LOGITS]), np.asarray(built(x)), atol=1e-6)


def test_one_trace_serves_every_draw() -> None:
    made, student = widened("concatenated")
    x = samples(student)
    forward = tensorflow().function(lambda x, channels: made.drawn(x, channels)[LOGITS], autograph=False)
    for channels in ([group.tiny for group in made.grouping.groups], widest(made), [group.widths[1] for group in made.grouping.groups]):
        traced = np.asarray(forward(x, np.array(channels, np.int32)))
        np.testing.assert_allclose(traced, np.asarray(made.drawn(x, channels)[LOGITS]), atol=1e-6)
    assert forward.experimental_get_tracing_count() == 1


def test_sorting_moves_the_channels_that_are_read_most_to_the_front() -> None:
    student = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(3)])
    made = supernet(student, NetAug(width=(1.0, 2.0), sort="l1"))
    first, bias, second, _ = (one.variable for one in made.wide)
    first.assign([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    bias.assign([0.1, 0.2, 0.3, 0.4])
    second.assign([[1.0, 0.0, -1.0], [0.0, 0.5, 0.0], [-3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])  # norms 2, 0.5, 3, 3
    made.sort()
    np.testing.assert_array_equal(first.numpy(), [[3.0, 4.0, 1.0, 2.0], [7.0, 8.0, 5.0, 6.0]])
    np.testing.assert_allclose(bias.numpy(), [0.3, 0.4, 0.1, 0.2])
    np.testing.assert_array_equal(second.numpy()[:, 0], [-3.0, 1.0, 1.0, 0.0])
    made.extract()
    np.testing.assert_array_equal(student.layers[0].kernel.numpy(), [[3.0, 4.0], [7.0, 8.0]])


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_an_optimizers_moments_move_with_their_channels(optimizer: str) -> None:
    """Sorted before an update or after it, the largest network is the same."""
    results = []
    for early in (True, False):
        made, student = widened("resnet8")
        x, tf = samples(student), tensorflow()
        chosen = build_optimizer(keras, Training(optimizer=optimizer, learning_rate=0.05), made.trainable_variables)
        for number in range(3):
            if number == (1 if early else 2):
                made.sort(slots(made, chosen))
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(made.drawn(x, widest(made), training=True)[LOGITS]))
            chosen.apply_gradients(
                zip(tape.gradient(loss, [one.value for one in made.trainable_variables]), made.trainable_variables, strict=True)
            )
        results.append(largest(made, x, True))
        assert len(slots(made, chosen)) == len(made.trainable_variables) * (1 if optimizer == "sgd" else 2)
    np.testing.assert_allclose(results[0], results[1], rtol=2e-3, atol=2e-3)


def test_kaiming_uniform_is_drawn_by_the_wide_fan_in() -> None:
    keras.utils.set_random_seed(0)
    made = supernet(NETWORKS["ds_cnn"](), NetAug(init="kaiming_uniform"))
    bounds = {"block2_pointwise/kernel": 10**-0.5, "block2_depthwise/kernel": 1 / 3, "logits/kernel": 16**-0.5}
    for one in made.wide:
        if one.variable.path in bounds:
            values, bound = np.abs(one.variable.numpy()), bounds[one.variable.path]
            assert 0.8 * bound < values.max() <= bound, one.variable.path
