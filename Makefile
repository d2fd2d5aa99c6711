# `make run` to use it, `make test` to prove it. Both create what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.9
SOURCES := analyzers api cli common compose docs indexer mappings store tests benchmarks samples

.PHONY: run test check docs test-transformers lock clean

run: $(VENV)/.installed
	@exec $(BIN)/concord up

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not transformers"

check: $(VENV)/.installed
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/mkdocs build --strict --quiet

# the documentation as a site, in site/
docs: $(VENV)/.installed
	$(BIN)/mkdocs build --strict

# sentence-transformers brings several GB of torch: its own environment keeps the platform's small
test-transformers: .venv-transformers/.installed
	.venv-transformers/bin/python -m pytest -m transformers

$(VENV)/.installed: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(BIN)/uv pip install --python $(VENV) --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(VENV) --no-deps --editable .
	touch $@

.venv-transformers/.installed: pyproject.toml requirements/transformers.txt $(VENV)/.installed
	$(PYTHON) -m venv .venv-transformers
	$(BIN)/uv pip install --python .venv-transformers --require-hashes -r requirements/transformers.txt
	$(BIN)/uv pip install --quiet --python .venv-transformers --no-deps --editable .
	touch $@

# after a change of pyproject.toml: resolve again, with hashes, naming no registry
lock: $(VENV)/.installed
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
		--group pyproject.toml:dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
		--extra transformers --group pyproject.toml:dev pyproject.toml -o requirements/transformers.txt

clean:
	rm -rf $(VENV) .venv-transformers .mypy_cache .ruff_cache .pytest_cache site
