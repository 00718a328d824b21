# Everything a developer types. Each target makes .venv first; nothing outside the repository is touched.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SLICER ?= Slicer

.PHONY: demo test lint bench bench-quick test-slicer clean

demo: $(READY)  ## segment a phantom in a real MRML scene with the shipped weights
	$(BIN)/medsegdl demo -o out/demo

test: $(READY)  ## all tests
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest Testing -q

lint: $(READY)  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(VENV)/.bench  ## time and memory by phase, ratios against the peers: docs/performance.md (about 12 minutes; goes on where it stopped)
	$(BIN)/python -m bench

bench-quick: $(VENV)/.bench  ## the same in under three minutes, rough, printed only
	$(BIN)/python -m bench --quick --fresh

test-slicer:  ## Slicer's own self tests: make test-slicer SLICER=/path/to/Slicer
	$(SLICER) --testing --no-splash --additional-module-paths "$(CURDIR)/MedSegDL" --python-script "$(CURDIR)/Testing/Python/run_self_tests.py"

$(READY): pyproject.toml training/pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[cli,scene,dev]" --editable training
	$(BIN)/python -m pip install --quiet --no-deps panoptica==2.1.7  # asks for an older numpy, and works with ours
	touch $(READY)

$(VENV)/.bench: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[bench]" || \
		echo "not all peers can be installed: the table will say which"
	touch $@

clean:
	rm -rf $(VENV) out build
