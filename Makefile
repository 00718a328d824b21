# Everything a developer types. Each target makes .venv first; nothing outside the repository is touched.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SLICER ?= Slicer

.PHONY: demo test test-slow lint pictures translations dicom-table dicom-round-trip fuzz endurance mutants bench bench-quick test-slicer film clean

demo: $(READY)  ## segment a phantom in a real MRML scene with the shipped weights
	$(BIN)/medsegdl demo -o out/demo

test: $(READY)  ## all tests, a file in one of two processes (both must see the same order of sets)
	PYTHONHASHSEED=0 QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest Testing -q -n 2 --dist loadfile

test-slow: $(READY)  ## the tests that take minutes (eight on a busy core): nnU-Net trained here, imported, equal
	$(BIN)/python -m pytest Testing -q -m slow

lint: $(READY)  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

pictures: $(READY)  ## the README's pictures of the panel and of cohort.html (Debian: chromium), of runs of the shipped weights; says what ran
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m Testing.panel.draw_panel
	$(BIN)/python -m Testing.core.cohort.draw_page

translations: $(READY)  ## write the .ts files anew: what the panel shows now; says what is left to translate
	$(BIN)/python -m Testing.translations

dicom-table: $(READY)  ## docs/dicom.md: kinds of series read, judged, and written back (dcm2niix and dciodvfy judge where installed)
	$(BIN)/python -m Testing.judges.dicom_table

dicom-round-trip: $(READY)  ## a head through Orthanc and back: the log of docs/dicom.md, and its picture (Debian: orthanc orthanc-dicomweb)
	$(BIN)/python -m Testing.judges.dicom_round_trip

bench: $(VENV)/.bench  ## time and memory by phase, ratios against the peers: docs/performance.md (about 12 minutes; goes on where it stopped)
	$(BIN)/python -m bench

bench-quick: $(VENV)/.bench  ## the same with fewer runs, sizes and iterations, rough, printed only
	$(BIN)/python -m bench --quick --fresh

fuzz: $(READY)  ## random changes to what strangers may hand us, a minute a target (atheris where it can be installed, else hypothesis)
	$(BIN)/python -m pip install --quiet atheris || echo "atheris cannot be installed here: hypothesis alone"
	$(BIN)/python -m Testing.fuzz

endurance: $(READY)  ## 200 runs of one worker, 100 kills of segment, cohort and a station (an hour or more)
	$(BIN)/python -m Testing.endurance

mutants: $(READY)  ## makes known mistakes in a copy of the tree; the tests named beside each must fail
	$(BIN)/python Testing/mutants.py

test-slicer:  ## Slicer's own self tests: make test-slicer SLICER=/path/to/Slicer
	$(SLICER) --testing --no-splash --additional-module-paths "$(CURDIR)/MedSegDL" --python-script "$(CURDIR)/Testing/Python/run_self_tests.py"

film: $(READY)  ## the README's film and pictures of the desktop: make film SLICER=/path/to/Slicer
	MEDSEGDL_FILM="$(CURDIR)/out/film" $(SLICER) --no-splash --additional-module-paths "$(CURDIR)/MedSegDL" --python-script "$(CURDIR)/Testing/Python/film.py"
	$(BIN)/python -m Testing.film out/film Resources

$(READY): pyproject.toml training/pyproject.toml constraints.txt
	@echo "Making $(VENV) (once; about 3 GB, two to five minutes): the environment, 1 of 4"
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@echo "Making $(VENV): torch, 2 of 4"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	@echo "Making $(VENV): the core, Slicer's scene and the tests, 3 of 4"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[cli,scene,dev]" --editable training
	@echo "Making $(VENV): a judge that asks for an older numpy, and works with ours, 4 of 4"
	@$(BIN)/python -m pip install --quiet --no-deps panoptica==2.1.7
	touch $(READY)

$(VENV)/.bench: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[bench]" || \
		echo "not all peers can be installed: the table will say which"
	touch $@

clean:
	rm -rf $(VENV) out build
