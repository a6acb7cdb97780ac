# Everything works from a bare checkout with Python 3.11+, make and a package registry.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= data
PORT   ?= 8080
# one process more than two cores: one of them has the tests that start many processes, and wait for them
PYTESTS ?= 3
STAMP  := $(VENV)/.installed
# what is built when the package is installed
SDK    := hatch_build.py $(wildcard web/sdk/*.json) web/sdk/build.mjs $(shell find web/sdk/src -type f)

.PHONY: setup run test lint types imports unit soak mutation docs bench clean

setup: $(STAMP)

$(STAMP): pyproject.toml $(SDK)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

run: setup
	$(BIN)/clarion serve --data $(DATA) --port $(PORT) --init

test: setup lint types imports unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

unit: setup
	tests/install-tools.sh
	$(BIN)/python -m pytest --numprocesses $(PYTESTS) --no-loadscope-reorder

soak: setup mutation
	$(BIN)/python -m pytest -m soak --timeout 7200

mutation: setup
	$(BIN)/python -m tests.mutation --page docs/mutation.md --json build/mutation.json

docs: setup
	$(BIN)/python docs/generate.py

bench: setup
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
