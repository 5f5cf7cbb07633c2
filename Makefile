PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: test faults demo check bench screenshots clean

test: $(READY)
	$(BIN)/pytest -n 4 --dist worksteal --ignore=tests/benchmarks

# make faults SEED=N does again what a run with that seed did.
faults: $(READY)
	$(BIN)/pytest -n 2 tests/faults --long --timeout 600 $(if $(SEED),--seed $(SEED))

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
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[postgres]' --group dev
	touch $@

clean:
	rm -rf .venv dist build
