# Set-up, demo, tests and checks. Needs make and Python 3.11 or later; everything else is installed into .venv.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,$(shell command -v $(name))))
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/installed

# A process more than there are cores (tests/conftest.py). One that has nothing left to do takes tests from another.
PARALLEL := --numprocesses auto --dist worksteal

# A strict editable install links the files that are there, so a new file means a new install.
FILES := $(VENV)/files
SOURCES := find actions definitions destination runner -type f ! -path '*/__pycache__/*' | LC_ALL=C sort

.PHONY: kafka stores demo test test-servers soak check format lint types docs docs-check page page-check page-compare site snapshots sdks install files clean
.PHONY: bench bench-delivery bench-startup bench-serve bench-page bench-quick

demo: install
	@$(PY) examples/demo.py

# Each process of pytest reads all tests, which takes half the time if Python may keep what it has compiled.
test test-servers soak: export PYTHONDONTWRITEBYTECODE =

test: install sdks
	$(PY) -m pytest $(PARALLEL)

# The tests that start servers and browsers: PostgreSQL with pgbouncer, three nodes of Kafka, a local S3, Google Cloud Storage
# and Azure, Chromium and Firefox. They need Debian's postgresql, pgbouncer, chromium, firefox-esr, nodejs and npm, Java, Maven and
# Go; none of them is skipped.
test-servers: install kafka stores
	KABLE_POSTGRES=required KABLE_KAFKA=required KABLE_S3=required KABLE_GCS=required KABLE_AZURE=required \
		KABLE_BROWSERS=required $(PY) -m pytest $(PARALLEL) \
		tests/acceptance/test_page_*.py \
		tests/runner/queues tests/runner/sources/kafka tests/runner/service/test_publishing.py \
		tests/runner/delivery/test_chaos.py tests/runner/delivery/test_shared_rate.py tests/runner/audience/test_query.py \
		tests/acceptance/test_crashes.py tests/acceptance/test_object_stores.py tests/acceptance/test_audience_crashes.py \
		tests/acceptance/test_deployment.py \
		tests/commands/test_outbox.py tests/commands/test_deliver_tables.py tests/commands/test_deliver_period.py

# The tests that depend on chance, many times: kills, and requests that fail. Then 20,000 objects of a local S3, 200,000 events
# by Kafka, and 10,000 with each of Segment's SDKs.
soak: export KABLE_POSTGRES = required
soak: export KABLE_KAFKA = required
soak: export KABLE_S3 = required
soak: export KABLE_GCS = required
soak: export KABLE_AZURE = required
soak: install sdks kafka stores
	KABLE_KILLS=200 KABLE_RECEIPT_KILLS=200 KABLE_SERVE_KILLS=20 KABLE_CHAOS_SEEDS=500 $(PY) -m pytest $(PARALLEL) \
		tests/acceptance/test_crashes.py tests/acceptance/test_planner_crashes.py tests/acceptance/test_session.py \
		tests/acceptance/test_service_crashes.py \
		tests/runner/delivery/test_chaos.py
	KABLE_AUDIENCE_KILLS=50 KABLE_AUDIENCE_MEMBERS=100000 $(PY) -m pytest $(PARALLEL) tests/acceptance/test_audience_crashes.py
	KABLE_CHAOS_SEEDS=500 KABLE_CHAOS_PLANNERS=2 KABLE_PLANNED_FILES=100 $(PY) -m pytest $(PARALLEL) \
		tests/runner/delivery/test_chaos.py tests/runner/planners/test_same_bytes.py
	KABLE_EXAMPLES=2000 KABLE_ID_SEEDS=200 $(PY) -m pytest $(PARALLEL) tests/runner/queues/test_engines_agree.py \
		tests/runner/queues/test_known_ids.py tests/definitions/test_mapping_properties.py \
		tests/definitions/test_event_reader.py tests/definitions/test_payload_function.py \
		tests/definitions/fields/test_fields_properties.py tests/runner/service/test_calls.py \
		tests/runner/audience
	KABLE_EXAMPLES=2500 $(PY) -m pytest $(PARALLEL) tests/runner/service/test_fuzzed_bodies.py \
		tests/runner/service/test_openapi.py
	KABLE_OBJECTS=20000 $(PY) -m pytest --numprocesses 1 tests/acceptance/test_object_stores.py -k s3
	KABLE_OBJECTS=2000 $(PY) -m pytest --numprocesses 1 tests/acceptance/test_object_stores.py -k 'gs or abfs'
	KABLE_KAFKA_EVENTS=200000 KABLE_KAFKA_WORKERS=4 KABLE_KAFKA_OUTAGE=120 $(PY) -m pytest --numprocesses 1 tests/runner/sources/kafka
	KABLE_POSTGRES_TERMINATIONS=200 KABLE_POSTGRES_RESTARTS=20 KABLE_POSTGRES_SNAPSHOT_BATCHES=6000 $(PY) -m pytest --numprocesses 1 \
		tests/runner/queues/test_postgres_breaks.py
	KABLE_POSTGRES_RESETS=200 KABLE_POSTGRES_CUTS=10 $(PY) -m pytest --numprocesses 1 \
		tests/runner/queues/test_postgres_network.py
	KABLE_SDK_EVENTS=10000 $(PY) -m pytest --numprocesses 1 tests/acceptance/test_sdks.py

# Segment's SDKs, as they are published, into build/sdks. Tests install what is missing too; without npm, fewer.
sdks: install
	@$(PY) tests/support/sdks.py

# Apache Kafka, as Maven has it, into build/kafka. `make test-servers` needs it.
kafka: install
	@$(PY) tests/support/kafka_jars.py

# A local Google Cloud Storage, as Go builds it, and a local Azure, as npm has it, into build/stores. `make test-servers` needs them.
stores: install
	@$(PY) tests/support/store_servers.py

snapshots: install
	$(PY) -m pytest tests/definitions/test_snapshots.py --snapshot-update

bench: install
	$(PY) benchmarks/bench.py

bench-delivery: install
	$(PY) benchmarks/delivery.py

bench-startup: install
	$(PY) benchmarks/startup.py

bench-serve: install
	$(PY) benchmarks/serve.py

# The main rows of all of them, in less than a minute. It writes nothing, and what is missed does not end it.
# In the Chromium that is installed.
bench-page: install
	$(PY) benchmarks/page.py

bench-quick: install
	-$(PY) benchmarks/bench.py --quick
	-$(PY) benchmarks/delivery.py --quick
	-$(PY) benchmarks/startup.py --quick

docs: install
	$(PY) -m kable_destination.runner docs -o docs

docs-check: install
	$(PY) -m kable_destination.runner docs --check -o docs

# The page of the service: page/ is its source, and what the Python package serves is built from it. Needs Node 20 with npm.
PAGE_FILES := runner/service/page/static

page: page/node_modules/.package-lock.json
	node page/build.mjs $(PAGE_FILES)

# Whether the files in the repository are what the source gives, byte for byte.
page-check:
	@if ! command -v npm > /dev/null; then \
		echo "page-check is skipped: it needs npm. Only a change in page/ needs it; on Debian: apt-get install nodejs npm" >&2; \
	else $(MAKE) --no-print-directory page-compare; fi

page-compare: page/node_modules/.package-lock.json
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; node page/build.mjs "$$folder"; \
		diff -rq "$$folder" $(PAGE_FILES) || \
		{ echo "$(PAGE_FILES) is not what page/ builds: run make page, and commit both" >&2; exit 1; }

page/node_modules/.package-lock.json: page/package-lock.json
	npm ci --prefix page --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# All pages as a site with a search, in build/site. A link that leads nowhere is an error.
site: install
	$(PY) docs/site/build.py

check: format lint types docs-check page-check site test

format: install
	$(PY) -m ruff format --check .

lint: install
	$(PY) -m ruff check .
	$(PY) -m pytest --quiet tests/test_layers.py

types: install
	$(PY) -m mypy $(addprefix -p kable_destination.,actions definitions destination runner)
	$(PY) -m mypy tests examples benchmarks docs/site

install: files
	@$(MAKE) --no-print-directory $(STAMP)

files: $(PY)
	@$(SOURCES) | cmp -s - $(FILES) || $(SOURCES) > $(FILES)

$(PY):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; say which: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || \
		{ echo "Python's venv module is needed; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(STAMP): pyproject.toml $(FILES)
	$(PY) -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=strict --editable '.[dev]'
	@# As pip does for every install but an editable one: a command would compile all that it imports, each time.
	@$(PY) -m compileall -q build/__editable__.*
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
