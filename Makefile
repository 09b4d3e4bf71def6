# Thin: each target says what a person would type.
SWIFT = swift
SWIFTFLAGS =
BIN = $(CURDIR)/.build/release

# The folder whose files `make demo` reads.
PLAYS = Tests/Fixtures/shakespeare

# Where `make install` puts things. PROGRAM_PREFIX=m gives mpmap and mpmap.1.
PREFIX = /usr/local
DESTDIR =
PROGRAM_PREFIX =
INSTALL = install
bindir = $(PREFIX)/bin
mandir = $(PREFIX)/share/man
bashdir = $(PREFIX)/share/bash-completion/completions
zshdir = $(PREFIX)/share/zsh/site-functions
fishdir = $(PREFIX)/share/fish/vendor_completions.d

PROGRAMS = pmap wordsplit wcreduce
# How sed(1) gives the programs and pages in a page their prefix; `p\&map` has none.
with-prefix = -e '/^\.Os/!s/\<(pmap|wordsplit|wcreduce|pmaputils)\>/$(PROGRAM_PREFIX)\1/g' \
    -e '/^\.Dt/s/.*/\U&/; s/^\.DT (.)/.Dt '"$$(echo "$(PROGRAM_PREFIX)" | tr a-z A-Z)"'\1/'
PAGES = pmap.1 wordsplit.1 wcreduce.1 pmap-pool.7 pmaputils.7

# need TOOL,ADVICE: stops where a tool is missing, and says how to get it.
need = @command -v $(1) >/dev/null || { echo "make: $(1) is missing: $(2)" >&2; exit 1; }
need-python = $(call need,python3,install Python 3.9 or later)
need-swift = $(call need,$(SWIFT),install Swift 6.3 or later from https://www.swift.org/install)

.PHONY: build demo check simulate check-arm64 check-engines check-faults check-sanitize coverage mutate bench bench-hostile bench-curves figures picture fuzz tables lint install uninstall foreign clean
build:
	$(need-swift)
	$(SWIFT) build -c release $(SWIFTFLAGS)

demo: build
	PATH="$(BIN):$$PATH"; ls "$(PLAYS)"/* | pmap -v -j4 -c5 wordsplit | wcreduce -n 20

check: build
	$(MAKE) simulate SEEDS=10000
	PMAPUTILS_BIN="$(BIN)" SWIFT="$(SWIFT)" Tests/run $(SWIFTFLAGS)

# pmap's core on a simulated system, in schedules made of seeds. A schedule that breaks a
# promise is replayed and shrunk by the command that is printed: simulate --shrink SEED.
SEEDS = 1000000
FIRST_SEED = 0
SIMULATE = $(CURDIR)/.build-simulate/release/simulate
simulate:
	$(need-swift)
	$(SWIFT) build -c release --package-path Tests/Simulation --scratch-path .build-simulate
	seq $(FIRST_SEED) 500 $$(($(FIRST_SEED) + $(SEEDS) - 1)) | \
	    xargs -P "$$(getconf _NPROCESSORS_ONLN)" -I FIRST "$(SIMULATE)" FIRST 500 | \
	    awk '/no promise broken/ { count += $$1; next } { print; bad = 1 } \
	        END { print count " schedules, " (bad ? "some" : "none") " broke a promise"; exit bad }'

# The programs for arm64, cross-compiled and emulated on Debian; TEXTS=folder compares what they
# print on its files too. Some minutes, and half a gigabyte from Debian the first time.
TEXTS =
check-arm64: build
	$(call need,qemu-aarch64-static,install the package qemu-user-static)
	$(need-python)
	BIN="$(BIN)" Tests/Arm64/check $(TEXTS)

# The programs on Slurm and on Spark; what is not installed is skipped.
check-engines: build
	PMAPUTILS_ENGINES=1 PMAPUTILS_BIN="$(BIN)" \
	    $(SWIFT) test $(SWIFTFLAGS) --no-parallel --filter EngineTests

# Has system calls fail, one by one, sends signals at random moments, reads the output slowly,
# and passes a line of 3 GB through: half an hour.
check-faults: build
	$(call need,strace,install the package strace)
	$(need-python)
	PATH="$(BIN):$$PATH" Tests/Faults/inject
	PATH="$(BIN):$$PATH" Tests/Faults/signals
	PATH="$(BIN):$$PATH" Tests/Faults/readers
	PATH="$(BIN):$$PATH" Tests/Faults/long-line

# The tests under the sanitizers of the compiler, some minutes each, and open descriptors.
check-sanitize: build
	$(call need,valgrind,install the package valgrind)
	Tests/Sanitize/check address
	Tests/Sanitize/check undefined
	Tests/Sanitize/check thread
	PATH="$(BIN):$$PATH" Tests/Sanitize/descriptors

# Which lines no test reaches, some minutes.
coverage:
	$(need-swift)
	Tests/Coverage/report

# Small faults are put into a copy, one at a time: which of them does no test notice? Two hours on
# two idle cores. ONLY=wordsplit (pmap, wcreduce, Shared) takes those of one part, and SAMPLE=10
# takes ten at random.
ONLY =
SAMPLE =
mutate:
	$(need-swift)
	$(need-python)
	Tests/Mutation/mutate $(if $(ONLY),--only "$(ONLY)") $(if $(SAMPLE),--sample "$(SAMPLE)")

# Against the programs that others use. Its settings, such as CORPUS=folder and MEGABYTES=10,
# are at the top of Benchmarks/bench.
bench: build
	$(need-python)
	PATH="$(BIN):$$PATH" Benchmarks/bench

# The same, kept in Benchmarks/results and in README.md, and the curves.
figures: build
	$(need-python)
	PATH="$(BIN):$$PATH" Benchmarks/bench --keep
	$(MAKE) bench-curves

# The most that a byte takes: texts that are made to be slow, in all modes of wordsplit. Some
# minutes; its settings are at the top of Benchmarks/hostile.
bench-hostile: build
	$(need-python)
	PATH="$(BIN):$$PATH" Benchmarks/hostile

# How time grows with the size of things, drawn in docs: about an hour, and 3 GB of disk.
# Its settings are at the top of Benchmarks/curves.
bench-curves: build
	$(need-python)
	PATH="$(BIN):$$PATH" Benchmarks/curves
	Benchmarks/plot

# The picture of the progress bar in README.md, from a real run.
picture: build
	$(need-python)
	PATH="$(BIN):$$PATH" docs/draw-bar

# Random texts against a slow tokenizer that is written from the standard's rules.
FUZZ_INPUTS = 1000000
fuzz:
	$(need-swift)
	FUZZ_INPUTS=$(FUZZ_INPUTS) $(SWIFT) test $(SWIFTFLAGS) --filter FuzzTests

# The tables of Sources/wordsplit/Unicode, anew from the Unicode data of the Swift library.
tables:
	$(need-swift)
	REGENERATE=1 $(SWIFT) test $(SWIFTFLAGS) --filter WordTableTests

lint:
	$(need-swift)
	$(call need,mandoc,install the package mandoc)
	$(call need,shellcheck,install the package shellcheck)
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	mandoc -Tlint -Wwarning man/*
	$(need-python)
	python3 -c 'import sys; [compile(open(name).read(), name, "exec") for name in sys.argv[1:]]' \
	    Benchmarks/bench Benchmarks/curves Benchmarks/hostile Benchmarks/plot Benchmarks/*.py \
	    Tests/Faults/signals Tests/Faults/readers Tests/Mutation/mutate docs/draw-bar
	shellcheck .ci/* completions/* examples/*.sh Tests/Arm64/check Tests/Engines/* \
	    Tests/Faults/inject Tests/Faults/long-line \
	    Tests/Sanitize/check Tests/Sanitize/descriptors Tests/Coverage/report Tests/run

# Installs what `make` has built: so only this step need be done as root.
install: foreign
	@test -x "$(BIN)/pmap" || { echo "make: nothing is built yet: run make first" >&2; exit 1; }
	$(INSTALL) -d "$(DESTDIR)$(bindir)" "$(DESTDIR)$(mandir)/man1" "$(DESTDIR)$(mandir)/man7"
	for name in $(PROGRAMS); do \
	    $(INSTALL) -m 755 "$(BIN)/$$name" "$(DESTDIR)$(bindir)/$(PROGRAM_PREFIX)$$name" || exit; done
	for name in $(PAGES); do \
	    page="$(DESTDIR)$(mandir)/man$${name##*.}/$(PROGRAM_PREFIX)$$name"; \
	    sed -E $(with-prefix) "man/$$name" >"$$page" && chmod 644 "$$page" || exit; done
	$(INSTALL) -d "$(DESTDIR)$(bashdir)" "$(DESTDIR)$(zshdir)" "$(DESTDIR)$(fishdir)"
	for name in $(PROGRAMS); do \
	    to=$(PROGRAM_PREFIX)$$name; \
	    complete() { "$(BIN)/$$name" --help | completions/generate $$1 $$to >"$(DESTDIR)$$2"; }; \
	    complete bash "$(bashdir)/$$to" && complete zsh "$(zshdir)/_$$to" && \
	        complete fish "$(fishdir)/$$to.fish" || exit; done
	@$(warn-of-clash)

uninstall: foreign
	for name in $(PROGRAMS); do rm -f "$(DESTDIR)$(bindir)/$(PROGRAM_PREFIX)$$name" || exit; done
	for name in $(PAGES); do \
	    rm -f "$(DESTDIR)$(mandir)/man$${name##*.}/$(PROGRAM_PREFIX)$$name" || exit; done
	for name in $(PROGRAMS); do \
	    to=$(PROGRAM_PREFIX)$$name; \
	    rm -f "$(DESTDIR)$(bashdir)/$$to" "$(DESTDIR)$(zshdir)/_$$to" \
	        "$(DESTDIR)$(fishdir)/$$to.fish" || exit; done

# With PREFIX=/usr the place may be taken: neither overwrite nor remove what is not ours.
foreign:
	@for name in $(PROGRAMS); do \
	    file="$(DESTDIR)$(bindir)/$(PROGRAM_PREFIX)$$name"; \
	    [ ! -e "$$file" ] || "$$file" --version 2>/dev/null | grep -q pmaputils || { \
	        echo "make: $$file is another program; choose a PREFIX or a PROGRAM_PREFIX" >&2; \
	        exit 1; }; \
	done

clean:
	$(SWIFT) package $(SWIFTFLAGS) clean
	rm -rf .build-address .build-undefined .build-thread .build-coverage .build-simulate .build-mutate .build-mutate-* \
	    .build-arm64

# procps has a pmap too, which reports the memory map of a process. Of two programs of
# one name, the one whose folder comes first on PATH is the one that runs.
define warn-of-clash
name="$(PROGRAM_PREFIX)pmap"; ours="$(bindir)/$$name"; seen=; IFS=:; \
for folder in $$PATH; do \
    if [ "$$folder" = "$(bindir)" ] || [ "$$folder" -ef "$(bindir)" ]; then seen=yes; continue; fi; \
    if [ ! -x "$$folder/$$name" ]; then continue; fi; \
    if [ "$$seen" ]; then clash="$$ours hides $$folder/$$name"; \
    else clash="$$folder/$$name comes before $$ours on PATH and hides it"; fi; \
    echo "make: warning: $$clash; PROGRAM_PREFIX=m would install it as mpmap" >&2; \
    break; \
done
endef
