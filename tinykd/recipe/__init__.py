"""The typed recipe and its TOML form."""
