"""Logistic and tanh of int16 over all arguments: near the real functions, odd, and the integers of gemmlowp."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tinykd.compile import fixed_point_16

EVERY = np.arange(-32768, 32768, dtype=np.int64)

GEMMLOWP = {
    ("logistic", 3): "44168980e98373fcf68adda21fdb4d006b79a4ca14df0269ff958e49f9fa6062",
    ("tanh", 0): "7dfff607d0ea23f26e97381570dc526c09e7e35712bb5189e3446a74c40195fd",
    ("tanh", 1): "fb776c014fac7629065f2a77399d275a8aaf30392a9fbe0199d7218f3a06e0e4",
    ("tanh", 2): "ad9e4552d55f09f5540bf0bffc1b4ed83c2c7ce5d77cb51fef2e900d4e4147ba",
    ("tanh", 3): "6d2c95677d4eb6e25f2c8bec6e3135082a0f64cdde758d75414b7c1de542115f",
    ("tanh", 4): "22e8b026529f39771f93c8fb7ecff865c9e75fca5923a2a8e63c21380d6be4e0",
    ("tanh", 5): "4aad698c1ba273d4966d2b3cc31fa76d30322d1f05339bc5626965be88d5e904",
    ("tanh", 6): "fd771a11c73c2d1390c3b8289e6c61c290d6c399bdf63a79f1d09a49b53af09f",
}
"""SHA-256 of the 65536 int16 results that gemmlowp's `logistic<3>` and `tanh<integer bits>` gave, little-endian."""


def digest(values: np.ndarray) -> str:
    return hashlib.sha256(values.astype("<i2").tobytes()).hexdigest()


def test_logistic_is_gemmlowps_and_near_the_real_one() -> None:
    got = fixed_point_16.logistic(EVERY, 3)
    assert digest(got) == GEMMLOWP["logistic", 3]
    assert np.abs(got / 32768 - 1 / (1 + np.exp(-EVERY / 4096))).max() < 0.0003


@pytest.mark.parametrize("bits", range(7))
def test_tanh_is_gemmlowps_and_near_the_real_one(bits: int) -> None:
    got = fixed_point_16.tanh(EVERY, bits)
    assert digest(got) == GEMMLOWP["tanh", bits]
    assert np.abs(got / 32768 - np.tanh(EVERY / 2.0 ** (15 - bits))).max() < 0.0005
    np.testing.assert_array_equal(got[1:], -got[1:][::-1])
