"""What schemes minimise, against SciPy and NumPy written loop by loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import rel_entr, softmax
from scipy.stats import entropy

from tinykd.distill.keras_modules import keras, tensorflow
from tinykd.distill.schemes import (
    SCHEMES,
    adversarial,
    assistant,
    be_your_own_teacher,
    data_free,
    inversion,
    multi_teacher,
    mutual,
    okddip,
    quantized,
    terms,
)
from tinykd.distill.schemes import one as one_scheme
from tinykd.distill.schemes.gradual import GradualLessons
from tinykd.distill.schemes.pseudo_labels import munge, neighbours
from tinykd.recipe.schemes import SCHEMES as SECTIONS
from tinykd.recipe.schemes import DataFree

pytestmark = pytest.mark.train

RNG = np.random.default_rng(6)
BATCH, CLASSES = 5, 4
LOGITS = [RNG.normal(size=(BATCH, CLASSES)).astype(np.float32) * 3 for _ in range(4)]
LABELS = np.array([0, 3, 1, 1, 2])


def ce(logits: np.ndarray) -> float:
    """Mean cross-entropy, sample by sample."""
    return float(np.mean([-np.log(softmax(row.astype(np.float64))[label]) for row, label in zip(logits, LABELS)]))


def kl(target: np.ndarray, logits: np.ndarray, temperature: float) -> float:
    """T^2 KL of probabilities against logits, sample by sample."""
    own = [softmax(row.astype(np.float64) / temperature) for row in logits]
    return temperature**2 * float(np.mean([entropy(p, q) for p, q in zip(target, own)]))


def soft(logits: np.ndarray, temperature: float) -> np.ndarray:
    return softmax(logits.astype(np.float64) / temperature, axis=1)


def gradients(compute: Any, arrays: list[np.ndarray]) -> list[Any]:
    tf = tensorflow()
    variables = [tf.Variable(array) for array in arrays]
    with tf.GradientTape() as tape:
        loss = compute(variables)
    return list(tape.gradient(loss, variables, unconnected_gradients="zero"))


def test_the_tables_match() -> None:
    assert list(SCHEMES) == list(SECTIONS)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_mutual(temperature: float) -> None:
    peers = LOGITS[:3]
    objective = mutual.MutualObjective(peers=3, weight=0.7, temperature=temperature)
    mine = float(objective({}, {f"peer{i}": tensorflow().constant(z) for i, z in enumerate(peers)}, {"labels": LABELS}))
    expected = 0.0
    for i in range(3):
        expected += ce(peers[i]) + 0.7 / 2 * sum(kl(soft(peers[j], temperature), peers[i], temperature) for j in range(3) if j != i)
    assert mine == pytest.approx(expected, rel=1e-5)


def test_mutual_sends_no_gradient_to_the_peer_that_teaches() -> None:
    # With peers whose labels are certain only the divergence is left: d/ds_0 of T^2 KL(p_1 || p_0) is T (p_0 - p_1) / batch.
    objective = mutual.MutualObjective(peers=2, weight=1.0, temperature=2.0)
    both = gradients(lambda z: objective({}, {"peer0": z[0], "peer1": z[1]}, {"labels": LABELS}), LOGITS[:2])
    target = np.eye(CLASSES)[LABELS]
    for own, other, found in ((0, 1, both[0]), (1, 0, both[1])):
        expected = soft(LOGITS[own], 1.0) - target + 2.0 * (soft(LOGITS[own], 2.0) - soft(LOGITS[other], 2.0))
        np.testing.assert_allclose(found.numpy(), expected / BATCH, atol=1e-6)


def test_one() -> None:
    objective = one_scheme.OneObjective(branches=3, temperature=3.0, strength=terms.ramp(0.5, 10))
    tf = tensorflow()
    outputs = {"logits": tf.constant(LOGITS[3])} | {f"branch{i}": tf.constant(LOGITS[i]) for i in range(3)}
    mine = float(objective({}, outputs, {"labels": LABELS, "epoch": tf.constant(2.0)}))
    taught = sum(kl(soft(LOGITS[3], 3.0), LOGITS[i], 3.0) for i in range(3))
    expected = sum(map(ce, LOGITS)) + np.exp(-5 * (1 - 2.0 / 5.0) ** 2) * taught
    assert mine == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("epoch", "factor"), [(0.0, np.exp(-5.0)), (40.0, np.exp(-1.25)), (80.0, 1.0), (200.0, 1.0)])
def test_ramp(epoch: float, factor: float) -> None:
    assert float(terms.ramp(80 / 300, 300)(tensorflow().constant(epoch))) == pytest.approx(factor, rel=1e-5)
    assert terms.NO_RAMP(epoch) == 1.0


def test_okddip() -> None:
    tf = tensorflow()
    attention = softmax(RNG.normal(size=(BATCH, 3, 3)), axis=-1).astype(np.float32)
    objective = okddip.OkddipObjective(peers=4, temperature=3.0, weight=0.5)
    outputs = {"attention": tf.constant(attention)} | {f"branch{i}": tf.constant(z) for i, z in enumerate(LOGITS)}
    mine = float(objective({}, outputs, {"labels": LABELS, "epoch": tf.constant(0.0)}))
    soft_peers = [soft(z, 3.0) for z in LOGITS[:3]]
    expected = sum(map(ce, LOGITS))
    for a in range(3):
        target = np.array([sum(attention[n, a, b] * soft_peers[b][n] for b in range(3)) for n in range(BATCH)])
        expected += 0.5 * kl(target / target.sum(axis=1, keepdims=True), LOGITS[a], 3.0)
    expected += 0.5 * kl(np.mean(soft_peers, axis=0), LOGITS[3], 3.0)
    assert mine == pytest.approx(expected, rel=1e-5)


def test_okddip_attention_learns_and_peers_are_fixed_targets() -> None:
    attention = np.full((BATCH, 2), 0.5, np.float32)
    found = gradients(lambda z: okddip.attended_divergence(z[0], [z[1], z[2]], z[3], 3.0), [attention, *LOGITS[:3]])
    assert np.abs(found[0].numpy()).max() > 0
    assert np.abs(found[1].numpy()).max() == np.abs(found[2].numpy()).max() == 0
    assert np.abs(found[3].numpy()).max() > 0


def test_attention_of_peers() -> None:
    library = keras()
    inputs = [library.Input((16,)) for _ in range(3)]
    model = library.Model(inputs, okddip.attend(inputs, 8))
    x = [RNG.normal(size=(2, 16)).astype(np.float32) for _ in range(3)]
    query, key = (model.get_layer(name).get_weights()[0] for name in ("query", "key"))
    assert query.shape == (16, 2)
    for sample in range(2):
        scores = np.array([[(x[a][sample] @ query) @ (x[b][sample] @ key) for b in range(3)] for a in range(3)])
        np.testing.assert_allclose(np.asarray(model(x))[sample], softmax(scores, axis=1), atol=1e-5)


def test_be_your_own_teacher() -> None:
    tf = tensorflow()
    deepest, features = RNG.normal(size=(BATCH, 2, 2, 3)), [RNG.normal(size=(BATCH, 2, 2, 3)) for _ in range(2)]
    outputs = {"logits": tf.constant(LOGITS[3]), "deepest": tf.constant(deepest, tf.float32)}
    for i in range(2):
        outputs |= {f"exit{i}": tf.constant(LOGITS[i]), f"feature{i}": tf.constant(features[i], tf.float32)}
    objective = be_your_own_teacher.ExitsObjective(exits=2, alpha=0.3, temperature=3.0, hint_weight=0.03)
    mine = float(objective({}, outputs, {"labels": LABELS}))
    expected = ce(LOGITS[3])
    for i in range(2):
        expected += 0.7 * ce(LOGITS[i]) + 0.3 * kl(soft(LOGITS[3], 3.0), LOGITS[i], 3.0)
        expected += 0.03 * np.sum((features[i] - deepest) ** 2) / (BATCH * 12)
    assert mine == pytest.approx(expected, rel=1e-5)


def test_exits_teach_the_deepest_nothing() -> None:
    zero = np.zeros((BATCH, 3), np.float32)
    objective = be_your_own_teacher.ExitsObjective(exits=1, alpha=1.0)
    found = gradients(
        lambda z: objective({}, {"logits": z[0], "deepest": z[1], "exit0": z[2], "feature0": z[3]}, {"labels": LABELS}),
        [LOGITS[0], zero + 1, LOGITS[1], zero],
    )
    np.testing.assert_allclose(found[0].numpy(), (soft(LOGITS[0], 1.0) - np.eye(CLASSES)[LABELS]) / BATCH, atol=1e-6)
    assert np.abs(found[1].numpy()).max() == 0
    assert found[3].numpy().max() < 0, "the exit's features move to the deepest's"


def test_confidence_weights() -> None:
    stacked = np.stack(LOGITS[:3], axis=1)
    weights = np.asarray(multi_teacher.confidence(tensorflow().constant(stacked), LABELS))
    for n, label in enumerate(LABELS):
        losses = np.array([-np.log(softmax(LOGITS[k][n].astype(np.float64))[label]) for k in range(3)])
        np.testing.assert_allclose(weights[n], (1 - np.exp(losses) / np.exp(losses).sum()) / 2, atol=1e-5)
        assert weights[n].argmax() == losses.argmin()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)


def test_confidence_objective() -> None:
    tf = tensorflow()
    stacked = np.stack(LOGITS[:2], axis=1)
    objective = multi_teacher.ConfidenceObjective(label_weight=0.1, soft_weight=0.9, temperature=4.0)
    mine = float(objective({"teachers": tf.constant(stacked)}, {"logits": tf.constant(LOGITS[3])}, {"labels": LABELS}))
    weights = np.asarray(multi_teacher.confidence(tf.constant(stacked), LABELS))
    total = 0.0
    for n in range(BATCH):
        own = softmax(LOGITS[3][n].astype(np.float64) / 4)
        total += sum(weights[n, k] * rel_entr(softmax(stacked[n, k].astype(np.float64) / 4), own).sum() for k in range(2))
    assert mine == pytest.approx(0.1 * ce(LOGITS[3]) + 0.9 * 16 * total / BATCH, rel=1e-5)


def test_ensemble_softened_again_is_the_mean_of_the_softened() -> None:
    from tinykd.distill.schemes.ensemble import ensemble

    library = keras()
    library.utils.set_random_seed(1)
    members = [library.Sequential([library.Input((6,)), library.layers.Dense(CLASSES)]) for _ in range(3)]
    x = RNG.normal(size=(BATCH, 6)).astype(np.float32) * 3
    each = [np.asarray(member(x)) for member in members]
    together = np.asarray(ensemble(members, 4.0)(x))
    np.testing.assert_allclose(softmax(together / 4.0, axis=1), np.mean([softmax(z / 4.0, axis=1) for z in each], axis=0), atol=1e-6)


def test_summed_networks() -> None:
    library = keras()
    parts = [library.Sequential([library.Input((6,)), library.layers.Dense(CLASSES)]) for _ in range(2)]
    x = RNG.normal(size=(BATCH, 6)).astype(np.float32)
    each = [np.asarray(part(x)) for part in parts]
    np.testing.assert_allclose(np.asarray(assistant.summed(parts)(x)), each[0] + each[1], atol=1e-6)


def test_adversarial() -> None:
    tf = tensorflow()
    keras().utils.set_random_seed(3)
    network = adversarial.discriminator(CLASSES, 8)
    objective = adversarial.AdversarialObjective(label_weight=0.5, discriminator=network, weight=0.2)
    teacher, student = {"logits": tf.constant(LOGITS[0])}, {"logits": tf.constant(LOGITS[1])}
    of_teacher, of_student = (1 / (1 + np.exp(-np.asarray(network(z), np.float64).ravel())) for z in (LOGITS[0], LOGITS[1]))
    expected = 0.5 * ce(LOGITS[1]) - 0.2 * np.log(of_student).mean() - np.log(of_teacher).mean() - np.log(1 - of_student).mean()
    assert float(objective(teacher, student, {"labels": LABELS})) == pytest.approx(expected, rel=1e-5)
    assert len(objective.trainable_variables) == len(objective.variables) == 4


def test_student_and_discriminator_pull_apart() -> None:
    tf = tensorflow()
    keras().utils.set_random_seed(3)
    network = adversarial.discriminator(CLASSES, 8)

    def score(logits: Any) -> Any:
        return tf.reduce_mean(network(logits))

    def step(weight: float) -> tuple[Any, list[Any]]:
        own = tf.Variable(LOGITS[1])
        objective = adversarial.AdversarialObjective(label_weight=0.0, discriminator=network, weight=weight)
        with tf.GradientTape() as tape:
            loss = objective({"logits": tf.constant(LOGITS[0])}, {"logits": own}, {"labels": LABELS})
        first, *rest = tape.gradient(loss, [own, *(each.value for each in network.trainable_variables)])
        return first, rest

    of_student, of_discriminator = step(1.0)
    # The student's gradient raises its score; the discriminator's does not depend on the student's weight at all.
    assert float(score(LOGITS[1] - 0.1 * of_student.numpy())) > float(score(LOGITS[1]))
    for one, other in zip(of_discriminator, step(0.0)[1], strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-7)


@pytest.mark.parametrize(("bits", "bucket"), [(2, 4), (4, 256), (8, 7)])
def test_rounding_to_levels(bits: int, bucket: int) -> None:
    weights = RNG.normal(size=(5, 6)).astype(np.float32)
    mine = np.asarray(quantized.rounded(weights, bits, bucket)).ravel()
    flat = weights.ravel()
    for start in range(0, len(flat), bucket):
        part = flat[start : start + bucket].astype(np.float64)
        levels = np.linspace(part.min(), part.max(), 2**bits)
        nearest = [levels[np.abs(levels - value).argmin()] for value in part]
        np.testing.assert_allclose(mine[start : start + bucket], nearest, atol=1e-5)


def test_rounded_student_passes_gradients_straight_through() -> None:
    tf, library = tensorflow(), keras()
    model = library.Sequential([library.Input((3,)), library.layers.Dense(2)])
    student = quantized.RoundedStudent(model, quantized.readable(model, ()), lambda variable: quantized.rounded(variable.value, 2, 256))
    x = RNG.normal(size=(4, 3)).astype(np.float32)
    kernel, bias = model.get_weights()
    levels = np.asarray(quantized.rounded(kernel, 2, 256))
    np.testing.assert_allclose(np.asarray(student(x)), x @ levels + bias, atol=1e-6)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(student(x, training=True) ** 2)
    found = tape.gradient(loss, model.trainable_variables[0].value)
    np.testing.assert_allclose(found.numpy(), 2 * x.T @ (x @ levels + bias), rtol=1e-5)


def test_dafl() -> None:
    features = RNG.normal(size=(BATCH, 7))
    tf = tensorflow()
    mine = float(data_free.dafl_loss(tf.constant(LOGITS[0]), tf.constant(features, tf.float32), 5.0, 0.1))
    probabilities = softmax(LOGITS[0].astype(np.float64), axis=1)
    expected = np.mean([-np.log(row[row.argmax()]) for row in probabilities]) - 5.0 * entropy(probabilities.mean(axis=0))
    assert mine == pytest.approx(expected - 0.1 * np.abs(features).mean(), rel=1e-5)


def test_zskt_disagreement_reaches_both() -> None:
    assert float(data_free.disagreement(LOGITS[0], LOGITS[1])) == pytest.approx(kl(soft(LOGITS[0], 1.0), LOGITS[1], 1.0), rel=1e-5)
    found = gradients(lambda z: data_free.disagreement(z[0], z[1]), LOGITS[:2])
    assert all(np.abs(each.numpy()).max() > 0 for each in found)


def test_inversion_terms() -> None:
    maps = RNG.normal(size=(3, 4, 5, 2)).astype(np.float32)
    mean, variance = RNG.normal(size=2).astype(np.float32), RNG.random(2).astype(np.float32)
    rows = maps.reshape(-1, 2)
    expected = np.linalg.norm(rows.mean(axis=0) - mean) + np.linalg.norm(rows.var(axis=0) - variance)
    assert float(inversion.statistics_gap(maps, mean, variance)) == pytest.approx(expected, rel=1e-5)
    total = 0.0
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        squares = 0.0
        for y in range(4):
            for x in range(5):
                if y + dy < 4 and 0 <= x + dx < 5:
                    squares += float(np.sum((maps[:, y + dy, x + dx].astype(np.float64) - maps[:, y, x]) ** 2))
        total += np.sqrt(squares)
    assert float(inversion.total_variation(maps)) == pytest.approx(total, rel=1e-5)


def test_inverted_inputs_look_like_what_batch_norm_remembers() -> None:
    library = keras()
    library.utils.set_random_seed(2)
    layers = library.layers
    inputs = library.Input((6, 6, 1))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs)))
    teacher = library.Model(inputs, layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x)))
    seen = RNG.random((64, 6, 6, 1)).astype(np.float32) ** 4
    norm = teacher.layers[2]
    norm.momentum = 0.0
    teacher(seen, training=True)
    section = DataFree(kind="deep_inversion", steps=60, learning_rate=0.05)
    made = inversion.invert(teacher, 16, section, (0.0, 1.0), np.random.default_rng(0))
    noise = np.random.default_rng(1).uniform(0.0, 1.0, (16, 6, 6, 1)).astype(np.float32)
    assert made.shape == noise.shape
    assert made.min() >= 0.0
    assert made.max() <= 1.0
    before = library.Model(inputs, norm.input)

    def gap(batch: np.ndarray) -> float:
        return float(inversion.statistics_gap(before(batch), norm.moving_mean.value, norm.moving_variance.value))

    assert gap(made) < 0.3 * gap(noise)


def test_munge_keeps_to_neighbours_and_range() -> None:
    x = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [5.0, 5.2]], np.float32)
    assert neighbours(x).tolist() == [1, 0, 3, 2]
    made = munge(x, 3, 0.5, 1.0, np.random.default_rng(0))
    assert made.shape == (12, 2)
    assert made.dtype == np.float32
    assert (made.min(axis=0) >= x.min(axis=0)).all()
    assert (made.max(axis=0) <= x.max(axis=0)).all()
    # Clusters stay apart: features are exchanged between neighbours alone.
    assert ((made < 2.0).all(axis=1) | (made > 3.0).all(axis=1)).all()
    unchanged = munge(x, 2, 0.0, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(unchanged, np.concatenate([x, x]))


@pytest.mark.parametrize(("epochs", "anchors", "expected"), [(6, 3, [0, 0, 1, 1, 2, 2]), (4, 2, [0, 0, 1, 1]), (3, 5, [0, 1, 3])])
def test_gradual_shares_the_epochs(epochs: int, anchors: int, expected: list[int]) -> None:
    lessons = GradualLessons([None] * anchors, epochs)  # type: ignore[list-item]
    assert [lessons.anchor(number) for number in range(epochs)] == expected
    assert lessons.anchor(10 * epochs) == anchors - 1
