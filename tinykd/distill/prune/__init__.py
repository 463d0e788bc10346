"""Pruning: a trained network without its least important channels, as a plain smaller network; or with weights set to zero."""
