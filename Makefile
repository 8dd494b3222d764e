# Every command that a developer of Circuit needs; `make` alone lists them.
#
# All of them run in .venv, which the first one makes: with $(PYTHON) if that is given
# (make PYTHON=python3.13 test), else with the first interpreter below that will do.
VENV     := .venv
BIN      := $(VENV)/bin
READY    := $(VENV)/.ready
PARTS    := compiler runtime grammar proto
OURS     := circuit $(PARTS) tests benchmarks $(wildcard docs/*.py)
TYPED    := build/typing
PROTO    := circuit/proto/session.proto
PEERS    := build/peers
EVERY    ?= 1
SECONDS  ?= 600
MINUTES  ?= 10
SCHEDULES ?= 1000000
SEED     ?= 0
SUITABLE := import sys, ensurepip; sys.exit(sys.version_info < (3, 11))

# The interpreters whose libraries are parsed: of each version the first that runs.
VERSIONS := 3.11 3.12 3.13
PYTHONS  ?= $(foreach version,$(VERSIONS),$(shell for python in python$(version) \
    $(wildcard $(HOME)/.pyenv/versions/$(version)*/bin/python$(version)); \
    do $$python -c '' 2>/dev/null && echo $$python && break; done))

.DEFAULT_GOAL := help
.PHONY: help demo test lint format type proto tables fresh roundtrip fuzz simulate chaos soak bench bench-compile clean

help:  ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(READY)  ## count the words of Python's standard library on all cores
	@$(BIN)/circuit run examples/wordcount.cpy --verify

test: $(READY)  ## run the whole test suite
	$(BIN)/python -m pytest

lint: $(READY)  ## check style and format (ruff)
	$(BIN)/ruff check $(OURS)
	$(BIN)/ruff format --check $(OURS)

format: $(READY)  ## format, and mend what ruff can mend
	$(BIN)/ruff check --fix-only $(OURS)
	$(BIN)/ruff format $(OURS)

# mypy finds the folders under their package names in a tree of links, made anew each time.
type: $(READY)  ## check types (mypy, strict)
	@rm -rf $(TYPED)/circuit $(TYPED)/tests $(TYPED)/benchmarks $(TYPED)/docs && mkdir -p $(TYPED)/circuit
	@ln -s $(CURDIR)/circuit/[!_]* $(CURDIR)/circuit/__*.py $(addprefix $(CURDIR)/,$(PARTS)) $(TYPED)/circuit/
	@ln -s $(CURDIR)/tests $(CURDIR)/benchmarks $(CURDIR)/docs $(TYPED)/
	cd $(TYPED) && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml -p circuit -p tests -p benchmarks -p docs

proto: build/$(PROTO)  ## generate proto/session_pb2.py and .pyi from session.proto
	cp build/circuit/proto/session_pb2.py build/circuit/proto/session_pb2.pyi proto/

.PHONY: build/$(PROTO)
build/$(PROTO): $(READY)
	@mkdir -p build
	@$(BIN)/python -m grpc_tools.protoc --proto_path=circuit/proto=proto --python_out=build --pyi_out=build $(PROTO)

tables: $(READY)  ## generate grammar/circuit.tables from the grammars
	$(BIN)/python -m circuit.compiler.tables

.PHONY: docs
docs: $(READY)  ## draw docs/state-machines.md from the tables of the runtime's core
	$(BIN)/python -m docs.draw

fresh: build/$(PROTO)  ## check that what is generated is what would be generated now
	diff -u proto/session_pb2.py build/circuit/proto/session_pb2.py
	diff -u proto/session_pb2.pyi build/circuit/proto/session_pb2.pyi
	$(BIN)/python -m circuit.compiler.tables --check
	$(BIN)/python -m docs.draw --check

roundtrip: $(READY)  ## parse and write back the libraries of PYTHONS (EVERY=20: each 20th file)
	$(BIN)/python -m circuit.compiler.roundtrip tests/grammar/fixtures examples
	$(BIN)/python -m circuit.compiler.roundtrip --every $(EVERY) $(addprefix --python ,$(or $(PYTHONS),$(BIN)/python))

fuzz: $(READY)  ## fuzz the compiler with libFuzzer for ten minutes (SECONDS=60: for one)
	$(BIN)/python -m pip install -qq --disable-pip-version-check 'atheris>=3'
	@mkdir -p build/fuzz && cp tests/*/fixtures/*.cpy tests/compiler/golden/*/*.cpy build/fuzz
	cd build && $(CURDIR)/$(BIN)/python ../tests/compiler/test_fuzz.py -max_total_time=$(SECONDS) fuzz

simulate: $(READY)  ## prove the core on a million simulated schedules (SCHEDULES=10000: on so many, from SEED=1)
	$(BIN)/python -m circuit.testing --schedules $(SCHEDULES) --seed $(SEED)

chaos: $(READY)  ## load real workers while they are killed, stopped and cut off (SECONDS=60, SEED=...)
	$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

soak: $(READY)  ## hold a load for ten minutes: memory, threads and tables end where they began (MINUTES=1: for one)
	$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES)

bench: $(READY)  ## measure calls, beside the standard library's pools; writes benchmarks/README.md
	$(BIN)/python -m benchmarks.calls

bench-compile: $(READY) $(PEERS)/.ready  ## measure the compiler, beside its peers; writes benchmarks/README.md
	$(BIN)/python -m benchmarks.compile --coconut $(PEERS)/bin/python

$(PEERS)/.ready: | $(BIN)/python
	@$(BIN)/python -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install -qq --disable-pip-version-check 'coconut>=3.2'
	@touch $@

clean:  ## remove what make made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: made by the first command that needs it, brought up to date when the packaging
# files change, and made anew when PYTHON names another interpreter than the one it was made with.
ifneq ($(filter-out $(file <$(VENV)/.interpreter),$(PYTHON)),)
.PHONY: $(BIN)/python
endif

$(BIN)/python:
	@for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3); do \
	    if $$python -c '$(SUITABLE)' 2>/dev/null; then \
	        echo "making $(VENV) with $$($$python --version) ..."; \
	        $$python -m venv --clear $(VENV) && echo "$$python" >$(VENV)/.interpreter; \
	        exit; \
	    fi; \
	done; \
	echo 'circuit: $(or $(PYTHON),no python3 here) is no CPython 3.11 or newer that can make environments;' \
	    'on Debian: apt-get install python3-venv, else: make PYTHON=/path/to/python3.11' >&2; \
	exit 1

$(READY): $(BIN)/python setup.cfg pyproject.toml
	@echo 'installing circuit and its tools into $(VENV), which may take a minute ...'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $@
