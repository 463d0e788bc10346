"""Distillation: teachers, stored teacher outputs, losses, the training loop and the stages of a run."""
