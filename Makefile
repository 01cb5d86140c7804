# `make` alone lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SOURCES := tocsin collector processor alerting dashboards tests

.PHONY: help setup dev run demo test soak fast lint format bench bench-alerts lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

setup: .venv/run.stamp ## a virtual environment with a working .venv/bin/tocsin

.venv/run.stamp: locks/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tocsin needs Python 3.11 or later; try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r locks/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

dev: .venv/dev.stamp ## what the tests need besides

.venv/dev.stamp: .venv/run.stamp locks/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	@touch $@

run: setup ## the main job: LOGS="dir ..." for your own logs, the demo without; ARGS="..." is passed on
	$(BIN)/tocsin $(if $(LOGS),run $(LOGS),demo) $(ARGS)

demo: setup ## realistic logs with an ERROR burst, and the message it leads to
	$(BIN)/tocsin demo $(ARGS)

test: dev ## the whole suite, on a real Kafka where Java and Maven are to be had
	$(BIN)/python -m tests.setup
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

soak: dev ## the collector's long scenarios in full: 5,000 files, 2 GiB, 30 minutes; 5,000 random lives of files
	TOCSIN_SOAK=1 $(BIN)/pytest tests/scenarios/test_soak.py tests/scenarios/test_discovery.py -k "s10 or s11 or s22 or s70" -s $(ARGS)
	TOCSIN_TEST_SEED=0 TOCSIN_TEST_SEQUENCES=5000 $(BIN)/pytest tests/model/test_core.py tests/model/test_core_glob.py -n 2 --dist loadfile -s $(ARGS)
	TOCSIN_SOAK=1 $(BIN)/python -m tests.bench collector_files
	TOCSIN_SOAK=1 $(BIN)/python -m tests.bench collector_backlog

fast: dev ## unit tests only, under 20 s
	$(BIN)/pytest -q -m "not slow and not kafka and not e2e" -n 2 $(ARGS)

lint: dev ## ruff, mypy --strict, the import contract
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: dev ## mend what ruff can mend
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: dev ## speeds side by side, as ratios in one run
	$(BIN)/python -m tests.bench $(ARGS)

bench-alerts: dev ## how good the pages are, beside simpler rules
	$(BIN)/python -m tests.bench.alerts

lock: dev ## write the lock files anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group build -o locks/run.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group dev -c locks/run.txt -o locks/dev.txt

clean: ## remove what setup made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
