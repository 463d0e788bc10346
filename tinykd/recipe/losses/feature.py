"""Feature losses: layers against layers, sample by sample."""
