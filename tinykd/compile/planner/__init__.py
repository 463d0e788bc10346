"""Memory: where each tensor lies in the arena."""
