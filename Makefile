PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# More processes than cores: many tests wait for others' processes and for a moment to come.
SHARED := -n 4 --dist worksteal
# The tests start many interpreters: each would compile the program anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: test test-all faults demo check bench bench-peers docs screenshots clean

test: $(READY)
	$(BIN)/pytest $(SHARED) --ignore=tests/benchmarks

# What `make test` leaves out: tests marked slow, and properties and faults in their long form.
test-all: $(READY)
	$(BIN)/pytest $(SHARED) --ignore=tests/benchmarks --long --timeout 600

# make faults SEED=N does again what a run with that seed did.
faults: $(READY)
	$(BIN)/pytest $(SHARED) tests/faults --long --timeout 600 $(if $(SEED),--seed $(SEED))

demo: $(READY)
	$(BIN)/firetower demo --tour

check: $(READY)
	$(BIN)/ruff check src tests screenshots docs
	$(BIN)/ruff format --check src tests screenshots docs
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python tests/benchmarks/run.py

# MLflow in a venv of its own: it is large, and nothing else here needs it.
bench-peers: $(READY)
	test -x .venv-peers/bin/mlflow || { $(PYTHON) -m venv .venv-peers && .venv-peers/bin/pip install --quiet mlflow; } || true
	$(BIN)/python tests/benchmarks/peers.py .venv-peers/bin/mlflow

# The references of commands and keys, made from the program.
docs: $(READY)
	$(BIN)/python docs/make.py

screenshots: $(READY)
	$(BIN)/python screenshots/make.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[metrics,postgres,serve,system]' --group dev
	touch $@

clean:
	rm -rf .venv .venv-peers dist build
