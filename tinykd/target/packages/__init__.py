"""A model as a library of each build system: one file a format, all around the same C."""
