"""What holds for every loss alike: who gets a gradient, what it does, and where it can be computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.distill.losses.batches import Array, built, gradient, normal, value
from tinykd.distill.keras_modules import keras, tensorflow
from tinykd.distill.losses.activation_boundary import ActivationBoundary
from tinykd.distill.losses.attention import Attention
from tinykd.distill.losses.bounded import Bounded
from tinykd.distill.losses.correlation import Correlation
from tinykd.distill.losses.dist import Dist
from tinykd.distill.losses.dkd import DKD
from tinykd.distill.losses.factor import Factor
from tinykd.distill.losses.fsp import FSP
from tinykd.distill.losses.hint import Hint
from tinykd.distill.losses.kd import KD
from tinykd.distill.losses.logit_std import LogitStd
from tinykd.distill.losses.logits import Logits
from tinykd.distill.losses.loss import Loss
from tinykd.distill.losses.mmd import MMD
from tinykd.distill.losses.msff import MSFF
from tinykd.distill.losses.nst import NST
from tinykd.distill.losses.pkt import PKT
from tinykd.distill.losses.review import Review
from tinykd.distill.losses.rkd import RKD
from tinykd.distill.losses.similarity import Similarity
from tinykd.distill.losses.soft_target_ce import SoftTargetCE
from tinykd.distill.losses.sparsity import Sparsity
from tinykd.distill.losses.svd import SVD

pytestmark = pytest.mark.train

LABELS = np.arange(8) % 5


@dataclass(frozen=True)
class Case:
    """A loss, what it compares, and whether it is a mean over samples (relations are between them).

    Attributes:
        make: Makes the loss, unbuilt.
        teacher, student: Outputs, one a pair.
        context: Of `compute_loss`.
        by_sample: The loss of a batch is the mean of its halves' losses.
    """

    make: Callable[[], Loss]
    teacher: list[Array]
    student: list[Array]
    context: dict[str, Any] = field(default_factory=dict)
    by_sample: bool = True

    def loss(self) -> Any:
        keras().utils.set_random_seed(0)
        return built(self.make(), self.teacher, self.student)


LOGITS = {"teacher": [normal(8, 5, scale=3.0)], "student": [normal(8, 5, seed=1, scale=3.0)]}
MAPS = {
    "teacher": [normal(8, 4, 4, 6), normal(8, 2, 2, 5, seed=1)],
    "student": [normal(8, 4, 4, 3, seed=2), normal(8, 4, 2, 4, seed=3)],
}
VECTORS = {"teacher": [normal(8, 7)], "student": [normal(8, 4, seed=1)]}

CASES: dict[str, Case] = {
    "kd": Case(KD, **LOGITS),
    "logits": Case(Logits, **LOGITS),
    "soft_target_ce": Case(SoftTargetCE, **LOGITS),
    "dkd": Case(DKD, **LOGITS, context={"labels": LABELS}),
    "dist": Case(Dist, **LOGITS, by_sample=False),
    "logit_std": Case(LogitStd, **LOGITS),
    "logit_std dkd": Case(lambda: LogitStd("dkd"), **LOGITS, context={"labels": LABELS}),
    "logit_std dist": Case(lambda: LogitStd("dist"), **LOGITS, by_sample=False),
    "bounded": Case(Bounded, **LOGITS, context={"labels": LABELS}),
    "hint maps": Case(Hint, **MAPS),
    "hint vectors": Case(Hint, **VECTORS),
    "attention": Case(Attention, **MAPS),
    "mmd": Case(MMD, **MAPS),
    "nst": Case(NST, **MAPS),
    "activation_boundary": Case(ActivationBoundary, **MAPS),
    "sparsity": Case(lambda: Sparsity("sigmoid"), **MAPS),
    "similarity": Case(Similarity, **MAPS, by_sample=False),
    "pkt maps": Case(PKT, **MAPS, by_sample=False),
    "pkt vectors": Case(PKT, **VECTORS, by_sample=False),
    "correlation": Case(Correlation, **VECTORS, by_sample=False),
    "correlation bilinear": Case(lambda: Correlation("bilinear"), **MAPS, by_sample=False),
    "fsp": Case(FSP, **MAPS),
    "svd": Case(SVD, **MAPS),
    "svd k 2": Case(lambda: SVD(2), **MAPS),
    "rkd maps": Case(RKD, **MAPS, by_sample=False),
    "rkd vectors": Case(RKD, **VECTORS, by_sample=False),
    "msff": Case(MSFF, **MAPS),
    # Batch normalization in the helper networks.
    "factor": Case(Factor, **MAPS, by_sample=False),
    "review": Case(Review, **MAPS, by_sample=False),
}

each = pytest.mark.parametrize("case", list(CASES.values()), ids=list(CASES))


def one_or_all(outputs: list[Any]) -> Any:
    """A single output comes bare."""
    return outputs if len(outputs) > 1 else outputs[0]


@each
def test_no_gradient_reaches_the_teacher(case: Case) -> None:
    tf = tensorflow()
    teacher, student = ([tf.Variable(one) for one in outputs] for outputs in (case.teacher, case.student))
    with tf.GradientTape() as tape:
        outputs = (one_or_all([tf.identity(one) for one in side]) for side in (teacher, student))
        loss = case.loss().compute_loss(*outputs, **case.context)
    of_teacher, of_student = tape.gradient(loss, [teacher, student])
    assert of_teacher == [None] * len(teacher)
    assert all(np.abs(one).max() > 0 for one in of_student), "but the student gets one, through every pair"


@each
def test_a_small_step_down_the_gradient_lowers_it_as_much_as_the_gradient_says(case: Case) -> None:
    loss = case.loss()
    slopes = gradient(loss, one_or_all(case.teacher), case.student, **case.context)
    squares = sum(float(np.sum(slope.astype(np.float64) ** 2)) for slope in slopes)
    here = value(loss, one_or_all(case.teacher), one_or_all(case.student), **case.context)
    step = 1e-3 * here / squares
    there = [student - step * slope for student, slope in zip(case.student, slopes, strict=True)]
    lowered = here - value(loss, one_or_all(case.teacher), one_or_all(there), **case.context)
    assert lowered == pytest.approx(step * squares, rel=0.05)


@each
def test_compiled_for_any_batch_it_is_the_same(case: Case) -> None:
    tf = tensorflow()
    loss = case.loss()
    shapes = [[tf.TensorSpec((None, *one.shape[1:])) for one in outputs] for outputs in (case.teacher, case.student)]

    @tf.function(input_signature=shapes, autograph=False)
    def compiled(teacher: Any, student: Any) -> Any:
        return loss.compute_loss(one_or_all(teacher), one_or_all(student), **case.context)

    eager = value(loss, one_or_all(case.teacher), one_or_all(case.student), **case.context)
    result = compiled(case.teacher, case.student)
    assert result.shape == ()
    assert result.dtype == tf.float32
    assert float(result) == pytest.approx(eager, rel=1e-5)


@each
def test_half_precision_outputs_are_compared_in_single_precision(case: Case) -> None:
    teacher, student = ([one.astype(np.float16) for one in outputs] for outputs in (case.teacher, case.student))
    loss = case.loss()
    result = loss.compute_loss(one_or_all(teacher), one_or_all(student), **case.context)
    single = ([one.astype(np.float32) for one in outputs] for outputs in (teacher, student))
    assert keras().backend.standardize_dtype(result.dtype) == "float32"
    assert float(result) == pytest.approx(value(loss, *map(one_or_all, single), **case.context), rel=1e-6)


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.by_sample], ids=[k for k, c in CASES.items() if c.by_sample])
def test_two_replicas_halves_average_to_the_whole(case: Case) -> None:
    """A sum over the batch, or a division by its share of all replicas, would not."""
    loss = case.loss()
    halves = []
    for half in (slice(0, 4), slice(4, 8)):
        teacher, student = ([one[half] for one in outputs] for outputs in (case.teacher, case.student))
        halves.append(value(loss, one_or_all(teacher), one_or_all(student), **{key: of[half] for key, of in case.context.items()}))
    whole = value(loss, one_or_all(case.teacher), one_or_all(case.student), **case.context)
    assert np.mean(halves) == pytest.approx(whole, rel=1e-5)
    assert halves[0] != pytest.approx(halves[1], rel=1e-3), "the halves must differ for this to say anything"


@pytest.mark.parametrize("name", ["hint maps", "hint vectors", "activation_boundary", "sparsity", "correlation", "correlation bilinear"])
def test_helper_networks_are_trained(name: str) -> None:
    tf, case = tensorflow(), CASES[name]
    loss = case.loss()
    with tf.GradientTape() as tape:
        result = loss.compute_loss(one_or_all(case.teacher), one_or_all(case.student), **case.context)
    slopes = tape.gradient(result, [variable.value for variable in loss.trainable_variables])
    assert len(slopes) == 2 * len(case.teacher), "kernel and bias a pair"
    assert all(np.abs(slope).max() > 0 for slope in slopes)


@pytest.mark.parametrize("name", ["logits", "soft_target_ce", "dist", "logit_std"])
def test_response_losses_drop_into_keras_own_distiller(name: str) -> None:
    layers, sequential = keras().layers, keras().Sequential
    teacher, student = (sequential([keras().Input((2,)), layers.Dense(5)]) for _ in range(2))
    distill_once(teacher, student, CASES[name].make())


@pytest.mark.parametrize("name", ["attention", "nst", "similarity", "pkt maps", "hint maps"])
def test_feature_losses_drop_into_keras_own_distiller(name: str) -> None:
    layers, sequential = keras().layers, keras().Sequential
    teacher, student = (
        sequential([keras().Input((6, 6, 1)), layers.Conv2D(width, 3, name="conv"), layers.Flatten(), layers.Dense(5)]) for width in (4, 2)
    )
    loss = CASES[name].make()
    loss.teacher_layer_name = loss.student_layer_name = "conv"
    loss.build([(4, 4, 4)], [(4, 4, 2)])
    distill_once(teacher, student, loss)


def distill_once(teacher: Any, student: Any, loss: Loss) -> None:
    """One step of Keras's own trainer on this loss alone moves the student and nothing of the teacher."""
    before = [np.array(weight) for weight in (*teacher.get_weights(), *student.get_weights())]
    distiller = keras().distillation.Distiller(teacher, student, distillation_losses=loss, student_loss_weight=0.0)
    distiller.compile(optimizer=keras().optimizers.SGD(1.0), loss=keras().losses.SparseCategoricalCrossentropy(from_logits=True))
    history = distiller.fit(normal(8, *student.input_shape[1:]), LABELS, epochs=1, batch_size=8, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    after = [*teacher.get_weights(), *student.get_weights()]
    count = len(teacher.get_weights())
    for old, new in zip(before[:count], after[:count], strict=True):
        np.testing.assert_array_equal(old, new)
    assert any((old != new).any() for old, new in zip(before[count:], after[count:], strict=True))
