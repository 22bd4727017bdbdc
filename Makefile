# Everything runs in .venv, made from uv.lock. Nothing else is needed but Python 3.11+ and make.
PYTHON ?= python3
# Tests wait for servers and browsers as much as they compute.
WORKERS ?= 3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run test conformance check format lint types imports bench functions deploy clean

help:  ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: $(READY)  ## make the environment in .venv

$(READY): pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv sync --frozen --all-extras --quiet --system-certs
	@touch $(READY)

run: $(READY)  ## start Lightning: one process, SQLite in ./data, on 127.0.0.1:8000
	$(BIN)/lightning up

test: $(READY)  ## run the tests, in a real browser too
	$(BIN)/python -m tests.browser
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

conformance: $(READY)  ## run each port's suite on every adapter, and print a table
	$(BIN)/python -m tests.conformance

check: format lint types imports test  ## all that must hold: format, lint, types, imports, tests

format: $(READY)
	$(BIN)/ruff format --check .

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

bench: $(READY)  ## measure the engine beside the machine's own durable-commit rate
	$(BIN)/python -m benchmarks

functions: $(READY)  ## lay out the package for Azure Functions in dist/functions, and zip it
	rm -rf dist/functions dist/functions.zip
	$(BIN)/uv build --system-certs --wheel --quiet --out-dir dist/functions
	$(BIN)/uv export --frozen --quiet --no-default-groups --extra azure --no-emit-project --no-hashes \
		--output-file dist/functions/requirements.txt
	cp backend/deploy/function_app.py backend/deploy/host.json dist/functions
	cd dist/functions && rm -f .gitignore && ls ./*.whl >> requirements.txt
	cd dist/functions && $(CURDIR)/$(BIN)/python -m zipfile -c ../functions.zip *

deploy: $(READY)  ## make STACK (dev, staging, production) on Azure what is here: docs/how-to/azure.md
	backend/deploy/deploy.sh $(STACK)

clean:  ## remove the environment and caches; ./data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
