"""Layers computed row by row, so that the tensors between them are never whole."""
