# Targets for people who know make; ./run and ./test set everything up by themselves.
BIN := .venv/bin/
FUZZ_SECONDS ?= 60
COUNT ?= 50
SEED ?= 0
WHEELS ?= --suite trixie --arch arm64 --arch armhf

.PHONY: run test check wheels lint types imports scripts tests board-quick board-smoke board board-powercut virtual-board interop bench quality kills fuzz soak fresh image format clean

run:
	./run

test:
	./test

check: lint types imports scripts tests  ## everything that must be green before a commit

lint:
	$(BIN)ruff check device tests firmware_scripts
	$(BIN)ruff format --check device tests

types:
	$(BIN)mypy
	$(BIN)mypy --explicit-package-bases firmware_scripts/cross

imports:
	$(BIN)lint-imports --no-cache

scripts:
	shellcheck -x run test .ci/run $$(grep -lE '^#!/bin/(sh|bash)' -r firmware_scripts tests buildroot)

tests:
	$(BIN)pytest --cov --cov-report=term:skip-covered -m 'not interop and not board and not qemu'

board-quick:  ## the whole phone on the quick virtual board (User-Mode Linux); needs root
	firmware_scripts/prepare rig
	firmware_scripts/make-uml-kernel >/dev/null
	OFFHOOK_RIG=uml $(BIN)pytest -m board -v tests/board

board:  ## the whole phone on the emulated ARM board, with the image of this tree; needs root
	firmware_scripts/prepare test interop rig image qemu
	$(BIN)python -m tests.board

board-powercut:  ## cuts the power of that board COUNT times at random; needs root
	firmware_scripts/prepare test interop rig image qemu
	$(BIN)python -m tests.board power-cuts --count $(COUNT) --seed $(SEED) --out board-output/power-cuts

virtual-board:  ## that board for a person, at this terminal; needs root
	firmware_scripts/virtual-board

board-smoke:  ## a minute of it; says why where this machine cannot
	firmware_scripts/board-smoke

interop:  ## calls with Asterisk, baresip, Kamailio and SIPp
	firmware_scripts/prepare test interop
	$(BIN)pytest -m interop -v

wheels:  ## wheels for boards, built here and checked under qemu-user (docs/cross-building.md); WHEELS="--suite S --arch A"
	firmware_scripts/prepare cross
	firmware_scripts/build-wheels $(WHEELS)
	firmware_scripts/check-wheels $(WHEELS)

bench:  ## memory, CPU, speed beside the peers; prints ratios
	firmware_scripts/prepare test interop
	$(BIN)python -m tests.bench

quality:  ## listening quality (PESQ) behind bad networks, as a table, and keys in speech; docs/quality.md
	firmware_scripts/prepare quality
	$(BIN)python -m tests.quality.talk_off
	$(BIN)python -m tests.quality.drift
	$(BIN)python -m tests.quality
	$(BIN)python -m tests.quality.peers

kills:  ## a writer of the store killed a thousand times at random moments, five minutes
	firmware_scripts/prepare test
	OFFHOOK_KILLS=1000 $(BIN)pytest -q tests/store/test_power_cut.py

soak:  ## a million strange messages to one user agent, and as many to one exchange; memory must stand still
	firmware_scripts/prepare test
	$(BIN)python -m tests.sip.soak
	$(BIN)python -m tests.exchange.soak

fuzz:  ## arbitrary bytes for everything that reads from the network, FUZZ_SECONDS a target, guided by coverage
	firmware_scripts/prepare fuzz
	$(BIN)python -m tests.fuzz --seconds $(FUZZ_SECONDS)

fresh:  ## the README's two commands in bare Debian 12 and 13 roots
	firmware_scripts/prepare interop
	firmware_scripts/try-fresh-root bookworm trixie

BOARD ?= virt
IMAGE ?= offhook-$(BOARD).img

image:  ## a bootable image for BOARD (virt, rpi3, rpi4) as IMAGE; docs/image.md
	firmware_scripts/prepare image
	firmware_scripts/build-image --board $(BOARD) --out $(IMAGE)

format:
	$(BIN)ruff format device tests
	$(BIN)ruff check --fix device tests

clean:
	rm -rf .venv .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
