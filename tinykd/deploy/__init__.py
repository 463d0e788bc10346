"""From an int8 model to proven firmware: export, build, run, compare."""
