"""What all tests share."""

from __future__ import annotations

import os

from hypothesis import settings

# A busy machine is no failure, and the same commit passes or fails every time; HYPOTHESIS_PROFILE=search looks further.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
