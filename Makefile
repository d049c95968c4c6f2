# Common Ground. `make` alone lists the targets; nothing has to be done before any of them.
PYTHON ?= /usr/bin/python3
PYTEST = tools/clean_qgis.sh $(PYTHON) -m pytest -q
VERSION = $(shell sed -n 's/^version=//p' metadata.txt)
ZIP = dist/commonground-$(VERSION).zip
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-core test-qgis models screenshot package lint clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install QGIS and its friends from the distribution, if they are not there
	@tools/setup.sh qgis

demo: setup ## See it work: the whole chain on a real pair of DEMs (under a minute)
	@$(PYTHON) demo/demo.py

test: test-core test-qgis ## Run all tests: the core without QGIS, then everything in a real QGIS

test-core: setup ## Run the tests of the core where QGIS and Qt cannot be imported
	@COMMONGROUND_NO_QGIS=1 $(PYTEST) tests/core

test-qgis: setup ## Run all tests in a real QGIS, off screen
	@$(PYTEST)

models: setup ## Make the ready-made models anew
	@tools/clean_qgis.sh $(PYTHON) tools/make_models.py

screenshot: setup ## Open the real desktop with the demo's layers and save docs/images/desktop.png
	@tools/setup.sh screenshot
	@test -e demo_output/known_truth/displaced.tif || $(MAKE) --no-print-directory demo
	@tools/screenshot.sh

package: ## Build the zip that QGIS' plugin manager installs, from the last commit
	@mkdir -p dist
	@git archive --format=zip --prefix=commonground/ -o $(ZIP) HEAD
	@$(PYTHON) tools/check_zip.py $(ZIP)

lint: ## Check the style (ruff, from PyPI, under build/)
	@tools/setup.sh lint
	@test -x build/lint/bin/ruff || { $(PYTHON) -m venv build/lint && build/lint/bin/pip install -q 'ruff<1'; }
	@build/lint/bin/ruff check .

clean: ## Remove all that these targets made
	rm -rf build dist demo_output
