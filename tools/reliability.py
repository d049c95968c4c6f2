"""Does the product keep its promises? `reliability.py run` tries, counts and tells; `reliability.py page` writes
docs/bad_inputs.md from the table of bad inputs.

`run [--minutes M]` needs a real QGIS (tools/clean_qgis.sh) and a network the first time, for atheris (PyPI, under
build/reliability); it runs all of tests/reliability at full length, fuzzes M minutes, and ends with a summary of that
very run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests" / "reliability"
PAGE = ROOT / "docs" / "bad_inputs.md"
VENV = ROOT / "build" / "reliability"
HEAD = """# Bad inputs, and what they get

Made by `tools/reliability.py page` from the table that `tests/reliability/test_bad_inputs.py` runs in a real QGIS: each
row either works right, which the test asserts by numbers, or is refused with exactly this sentence, and then the
inputs are as they were and no file is left. FOLDER stands for the file's folder, `...` for the reason in GDAL's words.

{refused} of the {all} are refused, {works} work.
"""


def page() -> str:
    """docs/bad_inputs.md."""
    sys.path.insert(0, str(TESTS))
    from bad_inputs import CASES

    parts = [HEAD.format(all=len(CASES), refused=sum(bool(case.says) for case in CASES),
                         works=sum(not case.says for case in CASES))]
    for group in dict.fromkeys(case.group for case in CASES):
        parts.append(f"\n## {group}\n\n| what is given | to | what happens |\n|---|---|---|\n")
        for case in CASES:
            if case.group == group:
                answer = _cell(case.says) if case.says else f"*works:* {_cell(case.works)}"
                parts.append(f"| {_cell(case.what)} | `{case.algorithm}` | {answer} |\n")
    return "".join(parts)


def _cell(text: str) -> str:
    return re.sub(r"([|<>*_`\\])", r"\\\1", text)


def run(minutes: float) -> int:
    """Try everything; the exit status."""
    started = time.time()
    tally = ROOT / "build" / "reliability-tally.jsonl"
    tally.parent.mkdir(exist_ok=True)
    tally.unlink(missing_ok=True)
    environment = {**os.environ, "COMMONGROUND_TALLY": str(tally), "COMMONGROUND_LONG": "1",
                   "COMMONGROUND_EXAMPLES": "400"}
    tested = subprocess.run([sys.executable, "-m", "pytest", "-q", str(TESTS)], cwd=ROOT, env=environment,
                            check=False).returncode
    counts: Counter = Counter()
    worst: dict = {}
    for line in tally.read_text(encoding="utf-8").splitlines():
        what, number = json.loads(line)
        if what.startswith("largest "):
            worst[what] = max(number, worst.get(what, 0.0))
        else:
            counts[what] += number
    crashes = _fuzz(minutes, counts)
    _tell(counts, worst, crashes, time.time() - started, tested)
    return 1 if tested or crashes else 0


def _fuzz(minutes: float, counts: Counter) -> list[str]:
    """Give every target its share of the time under atheris; what broke."""
    sys.path.insert(0, str(TESTS))
    names = subprocess.run([sys.executable, "-c", "import runpy, sys; sys.path.insert(0, sys.argv[1]); "
                            "runpy.run_path(sys.argv[2]); import fuzz_targets; print(*fuzz_targets.TARGETS)",
                            str(TESTS), str(ROOT / "tests" / "conftest.py")],
                           capture_output=True, text=True, check=True).stdout.split()
    python = _atheris()
    if not python:
        print("atheris has no wheel for this Python: hypothesis alone has fuzzed.")
        return []
    broken, seconds = [], max(int(60 * minutes / len(names)), 5)
    # libhdf5's crashes in a child would end libFuzzer: hypothesis alone has that target.
    names.remove("hdf5")
    for name in names:
        folder = ROOT / "build" / "fuzz" / name
        done = subprocess.run([python, str(ROOT / "tools" / "fuzz.py"), name, str(seconds), str(folder)],
                              capture_output=True, text=True, errors="replace", check=False)
        units = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        counts["cases fuzzed"] += int(units.group(1)) if units else 0
        counts["seconds fuzzed by atheris"] += seconds
        if done.returncode:
            broken.append(f"{name}: see {folder}/crash-*\n{done.stderr[-1500:]}")
        print(f"fuzzed {name} for {seconds} s: {units.group(1) if units else '?'} cases"
              f"{', BROKEN' if done.returncode else ''}", flush=True)
    return broken


def _atheris() -> str:
    """The Python that has atheris, "" where there is none for this one."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", str(VENV)], check=True)
    if subprocess.run([python, "-c", "import atheris"], capture_output=True, check=False).returncode:
        subprocess.run([VENV / "bin" / "pip", "install", "-q", "--only-binary=:all:", "atheris"], check=False)
    found = subprocess.run([python, "-c", "import atheris"], capture_output=True, check=False).returncode == 0
    return str(python) if found else ""


def _tell(counts: Counter, worst: dict, crashes: list, seconds: float, tested: int) -> None:
    print("\nReliability, this run:")
    for what in ("inputs tried", "faults survived", "cases fuzzed", "seconds fuzzed by atheris",
                 "damaged files that killed libhdf5 itself", "cancelled runs", "runs for leaks", "leaks found"):
        print(f"  {what + ':':44s} {counts[what]:,.0f}")
    print(f"  {'hours fuzzed by atheris:':44s} {counts['seconds fuzzed by atheris'] / 3600:.2f}")
    for what, number in sorted(worst.items()):
        print(f"  {what + ':':44s} {number:.2f}")
    print(f"  {'crashes found by fuzzing:':44s} {len(crashes)}")
    print(f"  {'tests:':44s} {'all passed' if tested == 0 else 'FAILED, see above'}")
    print(f"  {'minutes in all:':44s} {seconds / 60:.1f}")
    for crash in crashes:
        print(crash)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "page"))
    parser.add_argument("--minutes", type=float, default=10.0, help="of fuzzing under atheris")
    given = parser.parse_args()
    if given.what == "page":
        sys.path.insert(0, str(ROOT / "tools"))
        import runpy

        runpy.run_path(str(ROOT / "tests" / "conftest.py"))
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    return run(given.minutes)


if __name__ == "__main__":
    sys.exit(main())
