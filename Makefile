# demo: a dataset from bundled photos. test: all tests. check: the gate before every commit.
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check fix docs setup clean

demo: $(VENV)/base-installed
	$(BIN)/ggt demo --out demo

test: $(VENV)/dev-installed
	$(BIN)/pytest

check: $(VENV)/dev-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(MAKE) test

fix: $(VENV)/dev-installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/dev-installed
	$(BIN)/python docs/generate.py

setup: $(VENV)/dev-installed

$(VENV)/base-installed: pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/dev-installed: $(VENV)/base-installed
	$(PIP) --editable '.[dev,gemini,openai,diffusion]'
	touch $@

clean:
	rm -rf demo .pytest_cache .ruff_cache .hypothesis
