# The commands of the project. A fresh machine needs a Rust toolchain, a C compiler, make and Python 3.10 or newer.

PYTHON ?= python3
VENV := .venv
CARGO ?= cargo
OUTPUT ?= demo-output

.PHONY: demo test mysql python bench bench-gzcm gzcm-equality interoperability lint docs crash torture workers fuzz clean

# A real pipeline on real data, in a fresh folder.
demo:
	$(CARGO) build --release --locked -p lapjoint-cli
	rm -rf $(OUTPUT)
	$${CARGO_TARGET_DIR:-target}/release/lapjoint demo --data examples/data --output $(OUTPUT)

# All tests; what could not run is listed at the end.
test:
	scripts/test

# The adapter's tests on a MySQL server built from Debian's package, in a chroot (root only).
mysql:
	set -e; address=$$(scripts/mysql-server start); trap 'scripts/mysql-server stop' EXIT; \
	echo "MySQL is at $$address"; \
	LAPJOINT_TEST_MYSQL=$$address $(CARGO) test --locked -p lapjoint-db --test adapters --test mysql

# Benches against datajoint 2.3.5 in the same run, as ratios.
bench: $(VENV)/ready
	$(CARGO) build --release --locked -p lapjoint-format --example blob_times
	$(VENV)/bin/python benches/blob.py $${CARGO_TARGET_DIR:-target}/release/examples/blob_times
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall ./python
	$(VENV)/bin/python benches/tables.py
	$(CARGO) build --release --locked -p lapjoint-testing
	$(VENV)/bin/python benches/stores.py $${CARGO_TARGET_DIR:-target}/release/lapjoint-testing
	$(VENV)/bin/python benches/chunked.py $${CARGO_TARGET_DIR:-target}/release/lapjoint-testing
	scripts/with-services $(VENV)/bin/python benches/servers.py
	scripts/with-services $(VENV)/bin/python benches/arrow.py
	scripts/with-services $(VENV)/bin/python benches/declaring.py
	$(CARGO) run --release --locked --quiet -p lapjoint --example query_times
	scripts/with-services $(VENV)/bin/python benches/populate.py
	$(VENV)/bin/python benches/photon.py
	$(CARGO) run --release --locked --quiet -p lapjoint-wasm --example wasm_times

# Contact matrices against cooler and hictk in the same run, as a table. GZCM_DATA names a folder with more of them than the tree has.
bench-gzcm: $(VENV)/ready
	$(CARGO) build --release --locked -p gzcm --example bench_gzcm
	$(VENV)/bin/python benches/gzcm.py $${CARGO_TARGET_DIR:-target}/release/examples/bench_gzcm --data $${GZCM_DATA:-examples/data/hic}

# Every contact of every file in GZCM_DATA, through every codec and version, against cooler and hictk.
gzcm-equality: $(VENV)/ready python
	$(VENV)/bin/python benches/gzcm_equality.py --data $${GZCM_DATA:-examples/data/hic}

# What DataJoint and Lapjoint exchange; writes docs/interoperability.md.
interoperability: $(VENV)/ready python
	LAPJOINT_WRITE_INTEROPERABILITY=1 scripts/with-services $(VENV)/bin/python -m pytest -q conformance/interoperability

# 200 kills of a writing process; `make test` runs fewer of the same.
crash:
	LAPJOINT_CRASH_KILLS=200 $(CARGO) test --release --locked -p lapjoint --test engine crash -- --nocapture

# Five minutes of 16 writers while collection runs in a loop, and 200 kills of a collector; `make test` has less of the same.
# LAPJOINT_TORTURE_CONFIG names another database and other stores (crates/lapjoint/tests/engine/torture.rs).
torture:
	LAPJOINT_TORTURE_SECONDS=$${LAPJOINT_TORTURE_SECONDS:-300} LAPJOINT_CRASH_KILLS=$${LAPJOINT_CRASH_KILLS:-200} \
		$(CARGO) test --release --locked -p lapjoint --test engine torture -- --nocapture

# 8 processes on 2,000 jobs on every database, some of them killed; `make test` has less of the same.
workers: $(VENV)/ready python
	LAPJOINT_TEST_WORKERS=8x2000 scripts/with-services $(VENV)/bin/python -m pytest -q python/tests/test_workers.py

# The Python package, in the environment of the tests.
python: $(VENV)/ready
	$(VENV)/bin/pip install --disable-pip-version-check --no-deps --force-reinstall ./python

# 30 seconds for every decoder.
fuzz:
	fuzz/run 30

lint:
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-features --all-targets --locked -- -D warnings
	cd python && $(CARGO) fmt -- --check
	cd python && $(CARGO) clippy --locked -- -D warnings
	scripts/sizes

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --all-features --no-deps --locked

# The Python environment of the tests, with the reference implementation.
$(VENV)/ready: conformance/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r conformance/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) $(OUTPUT) target
