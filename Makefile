# The four commands: make demo, make test, make check, make bench. Each makes its own .venv.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
STAMP := $(VENV)/.installed
UV := $(shell command -v uv 2>/dev/null)

.PHONY: demo test check bench setup test-hosts test-private test-postgres test-faults test-skypilot test-llama-cpp format clean

# uv where it is there, venv and pip where not.
$(STAMP): pyproject.toml constraints.txt
ifdef UV
	test -d $(VENV) || uv venv --quiet --python $(PYTHON) $(VENV)
	uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[local,dev]'
else
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local,dev]'
endif
	@touch $@

setup: $(STAMP)

demo: setup
	$(BIN)/delegate-mcp demo

# The embedded model is fetched first where it can be; the tests that need it say so where it is missing.
# Half of their time the tests wait for a process of theirs, so two at once use a small machine well.
test: setup
	-$(BIN)/delegate-mcp demo --fetch-only
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not hosts and not postgres and not faults and not private and not skypilot and not llama_cpp'

test-hosts: setup
	tests/hosts/install
	$(BIN)/python -m pytest -m hosts tests/hosts

# The fault matrix: every kind of fault at every backend, through whole servers; about a minute.
test-faults: setup
	$(BIN)/python -m pytest -m faults tests/faults

# Proofs from outside that a private call stays here: no network, strace, listeners. Needs Linux, unshare, ip and strace.
test-private: setup
	-$(BIN)/delegate-mcp demo --fetch-only
	$(BIN)/python -m pytest -m private tests/private

# A server of its own in a folder of its own; nothing of the system's is used but the programs.
test-postgres: setup
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
		{ echo "PostgreSQL's initdb is neither on PATH nor under /usr/lib/postgresql: apt-get install postgresql" >&2; exit 1; }
	$(BIN)/python -m pytest -m postgres tests/postgres

# llama-cpp-python compiles for a quarter of an hour, so it has an environment of its own.
test-llama-cpp: setup
	-$(BIN)/delegate-mcp demo --fetch-only
	test -d .llama-cpp || $(PYTHON) -m venv .llama-cpp
	.llama-cpp/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[llama-cpp,dev]'
	.llama-cpp/bin/python -m pytest -m llama_cpp tests/local

# SkyPilot brings a hundred packages, so it has an environment of its own; nothing is rented.
test-skypilot: setup
	test -d .skypilot || $(PYTHON) -m venv .skypilot
	.skypilot/bin/python -m pip install --quiet --disable-pip-version-check 'skypilot>=0.14,<0.15'
	$(BIN)/python -m pytest -m skypilot tests/deploy

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonplatform Linux
	$(BIN)/pyright --pythonplatform Darwin src
	$(BIN)/pyright --pythonplatform Windows src
	$(BIN)/python -m docs.tables --check

bench: setup
	$(BIN)/python bench/run.py

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m docs.tables

clean:
	rm -rf $(VENV) .hosts .bench .skypilot .llama-cpp
