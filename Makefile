# SPDX-License-Identifier: Apache-2.0
#
# Drover's verbs. “make help” lists them; each does its own set-up, so that a fresh clone needs nothing before it.

# One build serves the programs, the tests, the demo and the benchmarks: every verb uses exactly these flags, since other
# ones would make SwiftPM build everything again.
CONFIGURATION := -c release
SWIFT_BUILD := swift build $(CONFIGURATION) --build-tests
# What makes the manual pages of the programs' help; no part of the build above.
GENERATOR_BUILD := swift build $(CONFIGURATION) --product generate-manual
# At most four tests a core at once. All at once, those that wait for a tool or a disk hold the few threads there are, and
# the others run out of their own time.
TEST_WIDTH := $(shell echo $$((4 * $$(nproc))))
SWIFT_TEST := swift test $(CONFIGURATION) --skip-build --experimental-maximum-parallelization-width $(TEST_WIDTH)

# “make test FILTER=Metainfo” runs the tests whose names match, “make verify SUITES=…” the suites named.
FILTER ?=
SUITES ?=
# “make simulate SEED=237” replays one random world; a failing one names its seed.
SEED ?=
# “make fuzz SECONDS=600 TARGET=bencode” looks at one target for longer.
SECONDS ?= 60
TARGET ?=
# “make install PREFIX=/usr DESTDIR=…”, for packagers.
PREFIX ?= /usr/local
DESTDIR ?=

.DEFAULT_GOAL := help
.PHONY: help build test check verify verify-hypervisors screenshots fuzz simulate demo bench dist install fmt clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the programs and the tests (release), after the packages they need
	@deploy/packages build
	$(SWIFT_BUILD)
	$(GENERATOR_BUILD)

test: ## Run the checks and the test suite; installs what they need
	@deploy/packages test
	@Tests/check/run
	$(SWIFT_BUILD)
	$(GENERATOR_BUILD)
	$(SWIFT_TEST) $(if $(FILTER),--filter '$(FILTER)')

check: ## Check format, lint, import arrows, banned words and the layout: seconds, no build
	@deploy/packages build
	@Tests/check/run

verify: ## Run the long suites: foreign clients, guest kernels, simulations, fuzzing
	@deploy/packages verify
	$(SWIFT_BUILD)
	$(GENERATOR_BUILD)
	@Tests/verify/run $(SUITES)

verify-hypervisors: ## Boot and migrate clones under qemu, libvirt and Xen, emulated: half an hour
	@deploy/packages hypervisors
	$(SWIFT_BUILD)
	@deploy/demo/kept-master >/dev/null
	@deploy/demo/kept-master cloud-init >/dev/null
	@Tests/verify/run --from hypervisors $(SUITES)

screenshots: ## Take pictures of the console's pages, of a real fleet of eight peers, for docs/
	@deploy/packages verify
	$(SWIFT_BUILD)
	@mkdir -p docs/screenshots
	@DROVER_BIN=$(CURDIR)/.build/release Tests/verify/console/fleet Tests/verify/console/walk docs/screenshots

fuzz: ## Fuzz what reads input, a minute for each target: make fuzz SECONDS=60 TARGET=bencode
	@deploy/packages build
	@Tests/Fuzzing/run fuzz $(SECONDS) $(TARGET)

simulate: ## Replay one random world of the simulator, with its trace: make simulate SEED=237
	@test -n "$(SEED)" || { echo "which world? make simulate SEED=237" >&2; exit 2; }
	@deploy/packages build
	$(SWIFT_BUILD)
	.build/release/drover simulate --world $(SEED) --trace .build/world-$(SEED).trace
	@echo "what happened: .build/world-$(SEED).trace"

demo: ## Show the main job: one real master image, four hosts, verified, cloned, booted
	@deploy/demo/demo

bench: ## Run the benchmarks
	@deploy/packages bench
	$(SWIFT_BUILD)
	@Tests/Benchmarks/run $(SUITES)

dist: ## Make an archive of the programs and all they come with, in dist/
	@deploy/packages build
	$(SWIFT_BUILD)
	$(GENERATOR_BUILD)
	@deploy/dist

install: ## Install what “make build” made: make install PREFIX=/usr/local
	@DESTDIR='$(DESTDIR)' deploy/install '$(PREFIX)'

fmt: ## Format every Swift file in place
	swift format --in-place --parallel --recursive Package.swift Sources Tests tracker

clean: ## Remove what was built; the demo's image cache stays
	swift package clean
