# The interface of this repository: `make` lists what there is.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STATE  ?= .tessera
# The lock is complete, so dependencies are not resolved again.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps

.DEFAULT_GOAL := help
.PHONY: help up down status test check format proto envoy lock bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/.local ## install and start everything; print the base URL, a key and a curl line (Ctrl-C stops)
	@$(BIN)/tessera up --state $(STATE)

down: $(VENV)/.local ## stop what `tessera up --detach` started
	@$(BIN)/tessera down --state $(STATE)

status: $(VENV)/.local ## say what runs, and where its log is
	@$(BIN)/tessera status --state $(STATE)

test: $(VENV)/.test ## run every test on real parts
	@$(BIN)/pytest

check: $(VENV)/.test ## lint, types, import rules, drift of generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m proto.generate --check
	@$(BIN)/python -m edge --check

format: $(VENV)/.test ## format the code and mend what the linter can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

proto: $(VENV)/.test ## regenerate the protobuf code beside its sources
	@$(BIN)/python -m proto.generate

envoy: $(VENV)/.test ## render Envoy's configurations into envoy/
	@$(BIN)/python -m edge

bench: $(VENV)/.test $(VENV)-peers/.installed ## measure against peers and limits, in one run
	@$(BIN)/python -m bench

lock: $(VENV)/.local ## lock the requirements anew, with hashes
	@$(BIN)/python -m requirements.lock

$(BIN)/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Tessera needs Python 3.11; name one with: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv $(VENV) || { echo "python3.11 could not make a virtual environment; on Debian: apt-get install python3.11-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)-peers/.installed: requirements/peers.txt | $(BIN)/uv
	@echo "Installing the peers that bench measures against ..."
	@$(PYTHON) -m venv $(VENV)-peers
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(BIN)/uv pip install --quiet --python $(VENV)-peers/bin/python --no-deps --require-hashes -r requirements/peers.txt
	@touch $@

$(VENV)/.local: requirements/local.txt pyproject.toml | $(BIN)/uv
	@test -e $(VENV)/.test || { echo "Installing the locked requirements (about 1 GB, once) ..."; \
	  $(INSTALL) --require-hashes -r requirements/local.txt; }
	@$(INSTALL) --no-build-isolation --offline --editable .
	@touch $@

$(VENV)/.test: requirements/dev.txt pyproject.toml tests/page/node/package-lock.json | $(BIN)/uv
	@echo "Installing the locked test requirements ..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(INSTALL) --no-build-isolation --offline --editable .
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund --prefix tests/page/node
	@touch $@ $(VENV)/.local
