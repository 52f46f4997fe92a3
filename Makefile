# Each target is a line or two that calls the real thing; `make test` is what a new machine runs.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LOCK := requirements/dev-py311.txt
UV := $(BIN)/uv
export NO_ET := 1
export NIPYPE_NO_ET := 1

.PHONY: setup lint unit e2e test demo figures pictures lock image clean

setup: $(VENV)/.done  ## an environment with exactly what the lock names

$(VENV)/.done: $(LOCK)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==0.13.8
	VIRTUAL_ENV=$(VENV) $(UV) pip sync --quiet --system-certs --require-hashes $(LOCK)
	VIRTUAL_ENV=$(VENV) $(BIN)/python -m ensurepip >/dev/null 2>&1 || true
	touch $@

lint: setup  ## style, types, the house's contract, spelling, the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell bids_seg docs tests README.md CHANGES.md CONTRIBUTING.md
	$(BIN)/hadolint Dockerfile

unit: setup  ## everything that is quick
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow"

e2e: setup  ## networks and whole runs, through run.py
	$(BIN)/pytest -q -n 2 --dist loadfile -m slow --timeout 600 --durations 12

test: lint unit e2e  ## what a new machine runs

demo: setup  ## a made dataset with known tumours, by the networks' masks and by the true ones
	$(BIN)/python run.py demo demo-data --run demo-out --run-truth demo-out-truth --work-dir demo-work

figures: setup  ## the figures of README and cards, on the scans under ../shared/data
	$(BIN)/python -m benchmarks.real_scans ../shared/data
	$(BIN)/python -m benchmarks.painted_heads ../shared/data/heads --picture .bench/reliability.png
	$(BIN)/python -m benchmarks.longitudinal ../shared/data --networks
	$(BIN)/python -m benchmarks.summary

pictures: setup  ## best, median and worst of what the networks drew, for docs/pictures.md; after figures
	$(BIN)/python -m benchmarks.pictures ../shared/data docs/images/networks
	cp .bench/reliability.png docs/images/networks/

lock:  ## write the locks again, newest versions within the ranges
	for python in 311 313; do \
	  $(UV) pip compile -q --generate-hashes --no-emit-index-url --no-header \
	    --python-version 3.$${python#3} --extra cpu pyproject.toml -o requirements/cpu-py$$python.txt; done
	$(UV) pip compile -q --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --extra cpu --extra dev pyproject.toml -o $(LOCK)
	$(UV) pip compile -q --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.13 --extra gpu pyproject.toml -o requirements/gpu-py313.txt

image:  ## the container, with buildah and no daemon
	buildah bud --isolation chroot -t bids-seg .

clean:
	rm -rf demo-data demo-out demo-out-truth demo-work .pytest_cache .mypy_cache .ruff_cache
