# Common Ground. `make` alone lists the targets; nothing has to be done before any of them.
PYTHON ?= /usr/bin/python3
PYTEST = tools/clean_qgis.sh $(PYTHON) -m pytest -q
VERSION = $(shell sed -n 's/^version=//p' metadata.txt)
ZIP = dist/commonground-$(VERSION).zip
DEMO = demo_output/known_truth/shifts.gpkg
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-core test-qgis bench bench-accuracy bench-altimetry bench-frames bench-kernels models screenshot screenshots package lint clean docs security start-time test-qgis-versions translations smoke help-figures reliability

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install QGIS and its friends from the distribution, if they are not there
	@tools/setup.sh qgis

demo: setup ## See it work: the whole chain on a real pair of DEMs (under a minute)
	@$(PYTHON) demo/demo.py

test: test-core test-qgis ## Run all tests: the core without QGIS, then everything in a real QGIS

test-core: setup ## Run the tests of the core where QGIS and Qt cannot be imported
	@tools/setup.sh cluster
	@COMMONGROUND_NO_QGIS=1 $(PYTEST) tests/core

test-qgis: setup ## Run the other tests in a real QGIS, off screen
	@tools/setup.sh cluster
	@$(PYTEST) --ignore=tests/core

bench: setup ## Measure speed, memory and accuracy beside xDEM and write docs/performance.md (half an hour, 4 GB)
	@tools/setup.sh lint cluster
	@$(PYTHON) bench/run.py all

bench-accuracy: setup ## Measure the accuracy alone: five kinds of shift field beside xDEM (some minutes)
	@tools/setup.sh lint
	@$(PYTHON) bench/run.py accuracy

bench-frames: setup ## Measure frames and epochs beside PROJ, the disk and QGIS' own copying (some minutes)
	@$(PYTHON) bench/frames.py all

bench-altimetry: setup ## Measure Import Altimetry beside ogr2ogr, and its memory (ten minutes, 3 GB)
	@$(PYTHON) bench/altimetry.py all

bench-kernels: setup ## Measure the sub-pixel bias of sampling kernels on terrains known exactly (some seconds)
	@$(PYTHON) bench/kernels.py

test-qgis-versions: ## Run all tests on QGIS 3.40 and 3.44 in chroots (root; 20 minutes and 5 GB the first time)
	@tools/test_versions.sh

FUZZ_MINUTES ?= 10
reliability: setup ## Keep the promises of docs/promises.md: bad inputs, kills, full disks, leaks, fuzzing (40 minutes, root)
	@tools/clean_qgis.sh $(PYTHON) tools/reliability.py run --minutes $(FUZZ_MINUTES)

start-time: setup ## Measure what the plugin adds to QGIS' start (below 150 ms)
	@tools/clean_qgis.sh $(PYTHON) tools/start_time.py

security: ## Scan what is shipped as QGIS' plugin site does (bandit, detect-secrets, from PyPI, under build/)
	@tools/check_security.sh

docs: models help-figures screenshots ## Make the models, all pictures and the handbook's made pages anew (some minutes)
	@tools/clean_qgis.sh $(PYTHON) tools/make_reference.py
	@$(PYTHON) tools/reliability.py page

help-figures: setup ## Make the figures in the algorithms' help anew
	@tools/clean_qgis.sh $(PYTHON) tools/make_help_figures.py

translations: setup ## Make i18n/*.ts anew from the sources and compile them to *.qm
	@tools/setup.sh translate
	@$(PYTHON) tools/make_translations.py

models: setup ## Make the ready-made models anew
	@tools/clean_qgis.sh $(PYTHON) tools/make_models.py

$(DEMO):
	@$(MAKE) --no-print-directory demo

screenshot: setup $(DEMO) ## Open the real desktop with the demo's layers and save docs/images/desktop.png
	@tools/setup.sh screenshot
	@tools/screenshot.sh desktop

screenshots: setup $(DEMO) ## Make all of docs/images: click through the real desktop, do the examples again (some minutes)
	@tools/setup.sh screenshot
	@tools/screenshot.sh
	@tools/clean_qgis.sh $(PYTHON) tools/make_reproductions.py
	@tools/clean_qgis.sh $(PYTHON) tools/altimetry_scenario.py

smoke: package ## Install the zip into a real desktop by clicks, use it, unload it twice; fails on any error or warning logged
	@tools/setup.sh screenshot
	@tools/smoke.sh $(ZIP)

package: translations ## Build the zip that QGIS' plugin manager installs, from the last commit
	@mkdir -p dist
	@git archive --format=zip --prefix=commonground/i18n/ $(addprefix --add-file=,$(wildcard i18n/*.qm)) \
	  --prefix=commonground/ -o $(ZIP) HEAD
	@$(PYTHON) tools/check_zip.py $(ZIP)

lint: ## Check the style (ruff, from PyPI, under build/)
	@tools/setup.sh lint
	@test -x build/lint/bin/ruff || { $(PYTHON) -m venv build/lint && build/lint/bin/pip install -q 'ruff<1'; }
	@build/lint/bin/ruff check .

clean: ## Remove all that these targets made
	rm -rf build dist demo_output
