"""Network augmentation in a run: the loss of a step, resuming, and what is left of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.distill.netaug.networks import NETWORKS, keras, random_weights, samples
from tests.distill.small import small_pipeline, small_recipe
from tests.distill.test_resume import InterruptAt
from tinykd.distill.keras_files import load_keras
from tinykd.distill.losses.kd import KD
from tinykd.distill.netaug.steps import augmented_steps
from tinykd.distill.objective import Objective, Term
from tinykd.distill.optimizers import build_optimizer
from tinykd.distill.tap import LOGITS
from tinykd.distill.trainer import trained_variables
from tinykd.recipe.losses import Hint
from tinykd.recipe.model import Recipe, Training
from tinykd.recipe.netaug import NetAug

pytestmark = pytest.mark.train


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log[np.arange(len(labels)), labels].mean())


def soft_targets(teacher: np.ndarray, student: np.ndarray, temperature: float) -> float:
    """`T^2 KL(p_t || p_s)`, mean over the batch."""
    p, q = (np.exp(z / temperature) / np.exp(z / temperature).sum(axis=1, keepdims=True) for z in (teacher, student))
    return float(temperature**2 * (p * np.log(p / q)).sum(axis=1).mean())


def test_a_step_adds_the_drawn_networks_response_losses() -> None:
    """Labels and soft targets count for both networks, the drawn one's times the weight; a feature term for the tiny one alone."""
    from tinykd.distill.losses import from_recipe

    student = NETWORKS["ds_cnn"]()
    steps = augmented_steps(student, NetAug(weight=0.5), ("block1_pointwise_relu",), 0, 10)
    random_weights([one.variable for one in steps.supernet.wide])
    x, random = samples(student), np.random.default_rng(0)
    labels = random.integers(0, 4, len(x))
    teacher = {
        LOGITS: random.normal(size=(len(x), 4)).astype(np.float32),
        "theirs": random.normal(size=(len(x), 8, 8, 4)).astype(np.float32),
    }
    hint = from_recipe(Hint())
    hint.build([(8, 8, 4)], [(8, 8, 4)])
    objective = Objective(0.25, 0.0, (Term(0.75, KD(2.0)), Term(3.0, hint, (("block1_pointwise_relu", "theirs"),))))
    tiny = {name: np.asarray(value) for name, value in steps.supernet.tapped(x, training=True).items()}
    drawn = np.asarray(steps.supernet.drawn(x, steps.draws.channels(0, 0), training=True)[LOGITS])
    feature = float(hint.compute_loss([teacher["theirs"]], [tiny["block1_pointwise_relu"]]))
    expected = 3.0 * feature + sum(
        weight * (0.25 * cross_entropy(logits, labels) + 0.75 * soft_targets(teacher[LOGITS], logits, 2.0))
        for weight, logits in ((1.0, tiny[LOGITS]), (0.5, drawn))
    )
    optimizer = build_optimizer(keras, Training(), trained_variables(steps.supernet, objective))
    step = steps.compiled(steps.supernet, optimizer, objective)
    loss = step(x, labels, np.arange(len(x)), np.float32(0), teacher, np.float32(1e-3))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert int(optimizer.iterations) == 1


def recipe(folder: Path) -> Recipe:
    training = {"epochs": 4, "batch_size": 32}
    return small_recipe(
        folder,
        teacher={"net": "resnet8", "knobs": {"width": 2}},
        distill={"netaug": {"width_epochs": 0.75}, "train": training, "losses": [{"name": "kd"}, {"name": "hint"}]},
    )


def test_an_interrupted_training_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """Two steps an epoch; interrupted in the second epoch, then in the fourth, which is the third of the resumed one."""
    chosen = recipe(tmp_path)
    unbroken = small_pipeline(chosen, tmp_path / "unbroken")
    unbroken.teacher()
    values = unbroken.student()
    broken = small_pipeline(chosen, tmp_path / "broken")
    broken.teacher()
    for step in (3, 5):
        with pytest.raises(KeyboardInterrupt):
            small_pipeline(chosen, tmp_path / "broken", InterruptAt(step)).student()
    broken.student()
    for name in ("student.keras", "helpers.npz", "predictions/student.npz"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "unbroken" / name).read_bytes(), name
    assert values["netaug"]["augmented_steps"] == 6
    assert values["netaug"]["steps"] == 8
    student = load_keras(tmp_path / "unbroken/student.keras")
    assert {type(layer).__module__.split(".")[0] for layer in student.layers} == {"keras"}
    assert student.count_params() == unbroken.stages.built("student", chosen.student).count_params()
