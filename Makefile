# Every command that a developer of Circuit needs; `make` alone lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TYPED  := build/typing/circuit
PARTS  := compiler runtime grammar proto
OURS   := circuit compiler runtime grammar proto tests benchmarks

.DEFAULT_GOAL := help
.PHONY: help demo test lint type proto grammar fresh roundtrip bench clean

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The environment: made once, and again whenever the packaging files change.
$(READY): setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "circuit: no python3 found; install CPython 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "circuit: $(PYTHON) is older than 3.11; run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "circuit: cannot make $(VENV); on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)  ## count the words of Python's standard library on all cores
	$(BIN)/circuit run examples/wordcount.cpy --verify

test: $(READY)  ## run the whole test suite
	$(BIN)/python -m pytest

lint: $(READY)  ## check style (ruff)
	$(BIN)/ruff check $(OURS)
	$(BIN)/ruff format --check $(OURS)

# mypy reads the source folders under their package names through a tree of links.
type: $(READY)  ## check types (mypy, strict)
	@mkdir -p $(TYPED)
	@ln -sfn $(CURDIR)/circuit/*.py $(CURDIR)/circuit/py.typed $(TYPED)/
	@for part in $(PARTS); do ln -sfn $(CURDIR)/$$part $(TYPED)/$$part; done
	$(BIN)/mypy --package circuit

proto: $(READY)  ## generate proto/session_pb2.py from proto/session.proto
	@mkdir -p build/proto
	$(BIN)/python -m grpc_tools.protoc --proto_path=circuit/proto=proto --python_out=build/proto --pyi_out=build/proto circuit/proto/session.proto
	cp build/proto/circuit/proto/session_pb2.py build/proto/circuit/proto/session_pb2.pyi proto/

bench: $(READY)  ## measure

clean:  ## remove what make made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
