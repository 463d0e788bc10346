"""Evidence: what was measured and proven, as typed values, JSON, text and Markdown."""
