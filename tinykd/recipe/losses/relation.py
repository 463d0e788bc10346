"""Relation losses: how layers, or samples of a batch, lie to each other."""
