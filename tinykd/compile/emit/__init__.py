"""A planned program as C: the same model gives the same bytes."""
