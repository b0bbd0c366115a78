# ./demo and ./test need nothing of this; here is the rest.
# The scripts are bash's, and so are the lines here that source one.
SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
CARGO_TARGET_DIR ?= target
PROGRAMS = server client capture analyze
BUILT = $(PROGRAMS:%=$(CARGO_TARGET_DIR)/release/%)

.PHONY: build lint install uninstall captures answers bench bench-small bench-capture instructions fresh-check

build:
	scripts/build.sh

# As root where PREFIX needs it; build first, as yourself. With SETCAP=1 everybody may record,
# without root: whoever can run capture then sees all traffic of this machine.
SETCAP ?=
install:
	@for file in $(BUILT); do test -x $$file || { echo "$$file is missing: run 'make build' first"; exit 2; }; done
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BUILT) $(DESTDIR)$(PREFIX)/bin
ifeq ($(SETCAP),1)
	setcap cap_net_raw+ep $(DESTDIR)$(PREFIX)/bin/capture
else
	@echo "To record without root: make install SETCAP=1, or setcap cap_net_raw+ep $(DESTDIR)$(PREFIX)/bin/capture"
endif

uninstall:
	rm -f $(PROGRAMS:%=$(DESTDIR)$(PREFIX)/bin/%)

lint:
	scripts/lint.sh

# Records captures/ anew. docs/ANSWERS.md and docs/VIEWS.md follow from them: make answers.
captures:
	scripts/record-captures.sh

answers:
	scripts/answers.sh

# Times analyze beside its peers, and writes docs/bench/. Some minutes; a quiet machine.
bench: bench-build
	python3 benches/bench.py

bench-small: bench-build
	python3 benches/bench.py --size small --rounds 3 --out /dev/null

# Records the same traffic with capture and its peers. Root, some minutes; a quiet machine.
bench-capture: bench-build
	python3 benches/capture_bench.py

# Counts instructions, which no other load changes: fails where analyze became dearer.
instructions: bench-build
	python3 benches/instructions.py

.PHONY: bench-build
bench-build: build
	scripts/setup.sh bench
	. scripts/lib.sh && choose_rust && cargo build --release --locked --examples

# Proves ./demo and ./test on a Debian 12 with nothing else installed. Root.
fresh-check:
	scripts/fresh-check.sh
