# Thin: each target says what a person would type.
SWIFT = swift
BIN = .build/release

.PHONY: build check lint
build:
	$(SWIFT) build -c release

check: build
	PMAPUTILS_BIN="$(CURDIR)/$(BIN)" $(SWIFT) test

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	shellcheck .ci/run
