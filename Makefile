# `make run` to use it, `make test` to prove it. Both create what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.9
SOURCES := analyzers api cli common compose docs indexer mappings store tests benchmarks samples

.PHONY: run test check docs test-transformers faults soak bench security sbom lock clean

run: $(VENV)/.installed
	@exec $(BIN)/concord up

# in the order of the folders: by number of tests, files of few but long ones came last and one worker waited for them.
# Three at once on two cores, for tests wait for engines, browsers and disks a quarter of their time
test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not transformers and not faults"

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

# one fault after the other on a cluster of three nodes, so many times in a row; the first failure ends it
TIMES ?= 1
faults: $(VENV)/.installed
	for time in $$(seq $(TIMES)); do $(BIN)/python -m pytest -m faults tests/soak || exit 1; done

# the same under a steady load and in an order of chance, for so many minutes
MINUTES ?= 10
soak: $(VENV)/.installed
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

# every benchmark beside its raw or peer run, one report: SIZE=quick, hour or full (hours); peers are in an
# environment of their own
SIZE ?= quick
REPORT ?= docs/report
bench: .venv-benchmarks/.installed
	.venv-benchmarks/bin/python -m benchmarks.report --size $(SIZE) --out $(REPORT)

# weaknesses in our own source, advisories against what it needs, every reader against made-up bytes, every route against
# made-up requests: at length
SECONDS_A_READER ?= 20
REQUESTS_A_ROUTE ?= 100
security: .venv-security/.installed
	.venv-security/bin/python -m tests.hostile.weaknesses
	.venv-security/bin/python -m tests.hostile.advisories
	.venv-security/bin/python -m tests.hostile.fuzz --seconds $(SECONDS_A_READER)
	CONCORD_TEST_REQUESTS_A_ROUTE=$(REQUESTS_A_ROUTE) .venv-security/bin/python -m pytest --timeout 7200 \
		tests/hostile tests/api/test_requests.py tests/test_dependencies.py

# what the platform is made of, as CycloneDX: its packages and the embedded engine's, with licences and digests
sbom: $(VENV)/.installed .venv-security/.installed
	mkdir -p dist
	.venv-security/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
		--of JSON -o dist/environment.cdx.json $(BIN)/python
	$(BIN)/python -m tests.sbom dist/environment.cdx.json dist/ip-concord.cdx.json

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

.venv-security/.installed: pyproject.toml requirements/security.txt $(VENV)/.installed
	$(PYTHON) -m venv .venv-security
	$(BIN)/uv pip install --python .venv-security --require-hashes -r requirements/security.txt
	$(BIN)/uv pip install --quiet --python .venv-security --no-deps --editable .
	touch $@

.venv-benchmarks/.installed: pyproject.toml requirements/benchmarks.txt $(VENV)/.installed
	$(PYTHON) -m venv .venv-benchmarks
	$(BIN)/uv pip install --python .venv-benchmarks --require-hashes -r requirements/benchmarks.txt
	$(BIN)/uv pip install --quiet --python .venv-benchmarks --no-deps --editable .
	touch $@

# after a change of pyproject.toml: resolve again, with hashes, naming no registry
lock: $(VENV)/.installed
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
		--group pyproject.toml:dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
		--extra transformers --group pyproject.toml:dev pyproject.toml -o requirements/transformers.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
		--group pyproject.toml:dev --group pyproject.toml:security pyproject.toml -o requirements/security.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
		--constraint requirements/dev.txt --group pyproject.toml:dev --group pyproject.toml:benchmarks pyproject.toml \
		-o requirements/benchmarks.txt

clean:
	rm -rf $(VENV) .venv-transformers .venv-security .venv-benchmarks .fuzz .mypy_cache .ruff_cache .pytest_cache site
