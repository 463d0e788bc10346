"""Training schemes: who is trained, against what."""
