"""The 8x8 digits bundled with scikit-learn: 1,797 images (Alpaydin & Kaynak 1998, CC BY 4.0)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinykd.data.source import Source
from tinykd.errors import ToolError
from tinykd.recipe.model import Data


def digits(_data: Data, _data_dir: Path | None) -> Source:
    """[1797, 8, 8, 1], pixel / 16 in [0, 1]. No official test split.

    Raises:
        ToolError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ToolError("the digits come with scikit-learn, which is not installed", "pip install 'tinykd[train]'") from None
    bunch = load_digits()
    x = (bunch.images / 16).astype(np.float32)[..., np.newaxis]
    return Source(x, bunch.target, class_names=tuple("0123456789"), preprocessing="pixel/16")
