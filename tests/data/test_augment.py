"""Augmentation against scipy's resampling and against pixels moved by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tinykd.data.augment import BLOCK, augment
from tinykd.errors import RecipeError
from tinykd.recipe.model import Augment

IMAGES = np.random.default_rng(9).uniform(0, 1, (BLOCK + 6, 11, 8, 2)).astype(np.float32)


@pytest.mark.parametrize(
    "params", [Augment(rotate=40.0), Augment(zoom=0.4), Augment(rotate=180.0, zoom=0.3, shift=3), Augment(rotate=5.0, shift=1)], ids=str
)
def test_affine_equals_scipy(params: Augment) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    changed = augment(IMAGES, params, np.random.default_rng(3))
    # The documented order of draws: angles, scales, then vertical and horizontal offsets.
    rng = np.random.default_rng(3)
    angles = np.deg2rad(rng.uniform(-params.rotate, params.rotate, len(IMAGES)))
    scales = rng.uniform(1 - params.zoom, 1 + params.zoom, len(IMAGES))
    offsets = rng.integers(-params.shift, params.shift + 1, (2, len(IMAGES)))
    centre = np.array([5.0, 3.5])
    for image, result, angle, scale, offset in zip(IMAGES, changed, angles, scales, offsets.T):
        # Forward: turn counter-clockwise as seen on screen (rows point down), zoom, move. scipy wants its inverse.
        forward = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        inverse = np.linalg.inv(forward)
        start = centre - inverse @ (centre + offset)
        for channel in range(2):
            expected = ndimage.affine_transform(image[..., channel].astype(float), inverse, start, order=1, mode="grid-constant", cval=0)
            np.testing.assert_allclose(result[..., channel], expected, atol=2e-5)


def test_shift_moves_whole_pixels_and_fills_with_zero() -> None:
    params = Augment(shift=3)
    changed = augment(IMAGES, params, np.random.default_rng(1))
    seen = set()
    for image, result in zip(IMAGES, changed):
        padded = np.pad(image, ((3, 3), (3, 3), (0, 0)))
        fits = [(dy, dx) for dy in range(7) for dx in range(7) if (padded[dy : dy + 11, dx : dx + 8] == result).all()]
        assert len(fits) == 1
        seen.add(fits[0])
    assert {dy for dy, _ in seen} == {dx for _, dx in seen} == set(range(7))


def test_flip_mirrors_about_half() -> None:
    many = np.tile(IMAGES[:1], (1000, 1, 1, 1))
    changed = augment(many, Augment(flip=True), np.random.default_rng(1))
    mirrored = (changed == many[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (changed == many).all(axis=(1, 2, 3))
    assert (mirrored ^ kept).all()
    assert 420 < mirrored.sum() < 580


def test_cutout_erases_one_square() -> None:
    changed = augment(np.ones((500, 9, 9, 3), np.float32), Augment(cutout=4), np.random.default_rng(1))
    areas = set()
    for image in changed:
        assert (image == image[..., :1]).all()
        rows, columns = np.flatnonzero((image[..., 0] == 0).any(axis=1)), np.flatnonzero((image[..., 0] == 0).any(axis=0))
        assert (image[np.ix_(rows, columns)] == 0).all()
        assert np.ptp(rows) < 4
        assert np.ptp(columns) < 4
        areas.add(len(rows) * len(columns))
    assert max(areas) == 16
    assert min(areas) == 4  # a square about a corner pixel, clipped


def test_noise_has_its_deviation() -> None:
    changed = augment(np.zeros((200, 49, 40), np.float32), Augment(noise=0.05), np.random.default_rng(1))
    # 392,000 draws: the estimate's own deviation is 0.05 / sqrt(784,000) = 0.00006.
    assert abs(changed.std() - 0.05) < 0.0004
    assert abs(changed.mean()) < 0.0004


def test_same_generator_same_batch_and_input_untouched() -> None:
    params = Augment(shift=2, flip=True, rotate=10.0, zoom=0.1, cutout=3, noise=0.1)
    before = IMAGES.copy()
    first = augment(IMAGES, params, np.random.default_rng(5))
    assert (first == augment(IMAGES, params, np.random.default_rng(5))).all()
    assert (first != augment(IMAGES, params, np.random.default_rng(6))).any()
    assert (before == IMAGES).all()
    assert (first.shape, first.dtype) == (IMAGES.shape, np.float32)


def test_nothing_asked_for_is_a_copy() -> None:
    same = augment(IMAGES, Augment(), np.random.default_rng(0))
    assert (same == IMAGES).all()
    assert not np.shares_memory(same, IMAGES)


def test_geometry_of_vectors_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"samples of shape \[3\]"):
        augment(np.ones((2, 3), np.float32), Augment(shift=1), np.random.default_rng(0))
