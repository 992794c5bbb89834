# The interface of this repository: `make` lists what there is.
PYTHON ?= $(shell for each in python3.11 python3; do $$each -c '$(IS_3_11)' 2>&- && command -v $$each && break; done)
VENV   := .venv
BIN    := $(VENV)/bin
BUF    := proto/node_modules/@bufbuild/buf-linux-x64/bin/buf
STATE  ?= .tessera
PORT   ?= 8080
IS_3_11 = import sys; sys.exit(sys.version_info[:2] != (3, 11))
# Trust what the machine trusts: behind a company's proxy only its own store knows the proxy.
export UV_SYSTEM_CERTS := 1
export NODE_USE_SYSTEM_CA := 1
# The lock is complete, so dependencies are not resolved again.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps
INSTALLED = test -x $(BIN)/tessera || { echo "Nothing is installed here yet, so nothing runs."; exit; }
# $(call step,WHAT,COMMAND,WHAT TO DO WHERE IT FAILS)
step = @echo "$(1):"; $(2) || { echo 'make $@: $(1) failed; $(3)' >&2; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help up down status test check format proto baseline envoy lock bench chaos

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/.local ## install and start everything; print the base URL, a key and a curl line (Ctrl-C stops; PORT=8080)
	@$(BIN)/tessera up --state $(STATE) --port $(PORT)

down: ## stop what `tessera up --detach` started
	@$(INSTALLED); $(BIN)/tessera down --state $(STATE)

status: ## say what runs, and where its log is
	@$(INSTALLED); $(BIN)/tessera status --state $(STATE) || test $$? -eq 3 # 3: no stack runs

test: $(VENV)/.test $(VENV)-torch/.installed ## run every test on real parts
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest # it starts hundreds of processes: let each compile nothing anew

check: $(VENV)/.test ## lint, types, import rules, drift of generated files
	$(call step,lint,$(BIN)/ruff check .,`make format` mends what can be mended)
	$(call step,format,$(BIN)/ruff format --check .,mend it with `make format`)
	$(call step,types,$(BIN)/mypy,mend the types it names)
	$(call step,imports,$(BIN)/lint-imports --no-cache,see "Who may import whom" in docs/architecture.md)
	$(call step,protobuf code,$(BIN)/python -m proto.generate --check,make it anew with `make proto`)
	$(call step,protobuf style,$(BUF) lint proto,mend what it names)
	$(call step,protobuf changes,$(BUF) breaking proto --against proto/baseline.binpb,callers would break; \
	  once all of them are gone: `make baseline`)
	$(call step,Envoy configurations,$(BIN)/python -m edge --check,render them anew with `make envoy`)

format: $(VENV)/.test ## format the code and mend what the linter can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

proto: $(VENV)/.test ## regenerate the protobuf code beside its sources
	@$(BIN)/python -m proto.generate

baseline: $(VENV)/.test ## keep the admin API as it is now, for `make check` to compare with
	@$(BUF) build proto --path proto/tessera/admin --exclude-source-info --output proto/baseline.binpb

envoy: $(VENV)/.test ## render Envoy's configurations into envoy/
	@$(BIN)/python -m edge

bench: $(VENV)/.test $(VENV)-peers/.installed ## measure against peers and limits, in one run
	@$(BIN)/python -m bench

chaos: $(VENV)/.test ## kill processes under load, and compare what is billed with what was served
	@$(BIN)/python -m tests.chaos

lock: $(VENV)/.local ## lock the requirements anew, with hashes
	@$(BIN)/python -m requirements.lock

$(BIN)/uv: requirements/uv.txt
	@test "$$(uname -sm)" = "Linux x86_64" || { echo "Tessera runs on Linux on x86-64, not on $$(uname -sm)." >&2; exit 1; }
	@"$(PYTHON)" -c '$(IS_3_11)' 2>&- || { echo "Tessera needs Python 3.11; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>&- || { echo "This Python makes no virtual environments; on Debian: apt-get install python3.11-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# PyTorch is installed by name beforehand, so that a machine's own CPU build is taken where there is one.
$(VENV)-peers/.installed $(VENV)-torch/.installed: $(VENV)-%/.installed: requirements/%.txt | $(BIN)/uv
	@echo "Installing PyTorch, and $* beside it ..."
	@"$(PYTHON)" -m venv $(VENV)-$*
	@$(VENV)-$*/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(BIN)/uv pip install --quiet --python $(VENV)-$*/bin/python --no-deps --require-hashes -r requirements/$*.txt
	@! grep -q setuptools requirements/$*.txt || $(BIN)/uv pip install --quiet --python $(VENV)-$*/bin/python \
	  --no-deps --no-build-isolation --offline --editable .
	@touch $@

$(VENV)/.local: requirements/local.txt pyproject.toml | $(BIN)/uv
	@test $(VENV)/.test -nt requirements/local.txt || { echo "Installing the locked requirements (about 1 GB, once) ..."; \
	  $(INSTALL) --require-hashes -r requirements/local.txt; }
	@$(INSTALL) --no-build-isolation --offline --editable .
	@touch $@

$(VENV)/.test: requirements/dev.txt pyproject.toml tests/page/node/package-lock.json proto/package-lock.json | $(BIN)/uv
	@echo "Installing the locked test requirements ..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(INSTALL) --no-build-isolation --offline --editable .
	@for each in tests/page/node proto; do \
	  PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund --prefix $$each || exit; done
	@touch $@ $(VENV)/.local
