"""Accuracy and fidelity on rows that one can count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinykd.distill.evaluation import accuracy, agreement, cross_entropy, predictive_kl

LN3 = math.log(3)
TEACHER = np.array([[LN3, 0.0], [0.0, LN3], [LN3, 0.0], [0.0, 0.0]], np.float32)
STUDENT = np.array([[0.0, 0.0], [0.0, LN3], [0.0, LN3], [0.0, 0.0]], np.float32)


def test_accuracy_counts_the_first_of_equal_outputs() -> None:
    assert accuracy(STUDENT, np.array([0, 1, 0, 1])) == 0.5


def test_agreement() -> None:
    assert agreement(TEACHER, STUDENT) == 0.75


def test_predictive_kl() -> None:
    first = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    third = 0.75 * math.log(3) + 0.25 * math.log(1 / 3)
    assert predictive_kl(TEACHER, STUDENT) == pytest.approx((first + third) / 4, rel=1e-6)


def test_cross_entropy_of_huge_logits() -> None:
    assert cross_entropy(np.array([[1e4, 0.0]]), np.array([1])) == pytest.approx(1e4)
