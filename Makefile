PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: test demo check bench screenshots clean

test: $(READY)
	$(BIN)/pytest -n 4 --dist worksteal --ignore=tests/benchmarks

demo: $(READY)
	$(BIN)/firetower demo --tour

check: $(READY)
	$(BIN)/ruff check src tests screenshots
	$(BIN)/ruff format --check src tests screenshots
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python tests/benchmarks/run.py

screenshots: $(READY)
	$(BIN)/python screenshots/make.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[metrics,postgres]' --group dev
	touch $@

clean:
	rm -rf .venv dist build
