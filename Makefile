PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: test demo check bench clean

test: $(READY)
	$(BIN)/pytest -n 2 --dist worksteal --ignore=tests/benchmarks

demo: $(READY)
	$(BIN)/firetower demo --tour

check: $(READY)
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python tests/benchmarks/run.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[postgres]' --group dev
	touch $@

clean:
	rm -rf .venv dist build
