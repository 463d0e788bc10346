# Everything from a bare machine with Python 3.10 to 3.13 and make: `make demo`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RECIPE ?= digits
TARGET ?= cortex-m

.PHONY: help demo test test-fast lint types check conformance fuzz docs docs-site bench system system-riscv clean

help:
	@echo "make demo         distil, export and prove the bundled digits recipe (RECIPE=, TARGET=)"
	@echo "make test         set up and run every test"
	@echo "make test-fast    the tests that take seconds"
	@echo "make lint types   ruff; mypy"
	@echo "make conformance  every .tflite of TINYKD_CONFORMANCE against LiteRT"
	@echo "make fuzz         2,000 random networks, 5,000 random graphs, 100,000 damaged files"
	@echo "make docs         the generated pages: operators, methods, boards, reference"
	@echo "make docs-site    the documentation as a site in site/; a broken link is an error"
	@echo "make bench        side-by-side measurements (of a folder of .tflite: MODELS=, of a finished run: RUN=)"
	@echo "make system       QEMU and arm-none-eabi-gcc from Debian, where root (optional)"
	@echo "make system-riscv QEMU and GCC for RISC-V from Debian, some 400 MB (optional; tests skip without)"
	@echo "make clean        remove .venv, runs and caches"

# The environment: pinned packages, tinykd itself in place. Rebuilt when what it depends on changes.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(not ((3, 10) <= sys.version_info[:2] <= (3, 13)))" \
	  || { echo "tinykd needs Python 3.10 to 3.13: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[train,firmware,study,docs,dev]"
	touch $@

demo: $(READY)
	$(BIN)/tinykd distill $(RECIPE) --out runs/$(RECIPE)
	$(BIN)/tinykd export runs/$(RECIPE) --target $(TARGET)
	$(BIN)/tinykd verify runs/$(RECIPE) --target $(TARGET)
	$(BIN)/tinykd report runs/$(RECIPE)

test: $(READY) system
	$(BIN)/python -m pytest -n auto

test-fast: $(READY)
	$(BIN)/python -m pytest -n auto -m "not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

check: lint types test

conformance: $(READY)
	$(BIN)/tinykd conformance $(or $(TINYKD_CONFORMANCE),$(error set TINYKD_CONFORMANCE to a folder of .tflite files))

fuzz: $(READY)
	TINYKD_FUZZ_GRAPHS=2000 TINYKD_FUZZ_CHAINS=5000 TINYKD_FUZZ_CHAINS_C=1000 TINYKD_FUZZ_FILES=100000 \
	  TINYKD_FUZZ_FRAMES=3000000 $(BIN)/python -m pytest tests/fuzz tests/firmware/test_frame_fuzz.py

docs: $(READY)
	$(BIN)/python -m tinykd.report.operators docs/operators.md
	$(BIN)/python -m docs.generate

docs-site: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# bench/netaug.py, bench/methods and bench/cost_model.py take hours or change the house: they are called by name.
bench: $(READY)
	$(BIN)/python bench/sketch.py
	$(BIN)/python bench/distillation_step.py
	$(if $(MODELS),$(BIN)/python bench/inference.py $(MODELS) && $(BIN)/python bench/memory.py $(MODELS))
	$(if $(RUN),$(BIN)/python bench/engines.py $(RUN) && $(BIN)/python bench/low_bits.py $(RUN))

# The reference toolchain and machine model, where they can be had; PyPI's zig and unicorn serve otherwise.
system:
	@if command -v qemu-system-arm >/dev/null && command -v arm-none-eabi-gcc >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm >/dev/null \
	    || echo "no Debian toolchain: going on with zig and unicorn from PyPI"; \
	else echo "no Debian toolchain: going on with zig and unicorn from PyPI"; fi

# Only for the target rv32imac; ziglang builds for it too, but only this QEMU runs it.
system-riscv:
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  gcc-riscv64-unknown-elf qemu-system-misc >/dev/null

clean:
	rm -rf $(VENV) runs site .pytest_cache .mypy_cache .ruff_cache
