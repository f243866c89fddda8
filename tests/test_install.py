"""The package as a user gets it: a wheel, installed away from the clone, brings records and training notebooks. Written by hand."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = [("data", "published_dir", "*"), ("nbs/train", "notebooks_dir", "*.ipynb")]     # folder, function that finds it, files that go along


def run(*command, **options) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    "Folder into which a fresh wheel of this clone has been installed."
    place = tmp_path_factory.mktemp("wheel")
    clone, target = place / "clone", place / "site"
    for name in ["t2ibook", "data", "nbs/train"]:
        (clone / name).mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir(): shutil.copytree(ROOT / name, clone / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ["pyproject.toml", "README.md", "LICENSE"]: shutil.copyfile(ROOT / name, clone / name)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    run(*pip, "wheel", clone, "--no-deps", "--no-build-isolation", "--no-index", "-w", place)
    run(*pip, "install", "--no-deps", "--no-index", "--no-compile", "--target", target, *place.glob("t2ibook-*.whl"))
    return target


def python(installed: Path, *arguments, where: Path) -> str:
    return run(sys.executable, *arguments, cwd=where, env={**os.environ, "PYTHONPATH": str(installed)})


def test_the_wheel_holds_the_whole_library(installed):
    library = {path.relative_to(ROOT).as_posix() for path in (ROOT / "t2ibook").rglob("*.py")}
    assert sorted(name for name in library if not (installed / name).is_file()) == [], "name the package in pyproject.toml"


def test_records_and_notebooks_come_along(installed, tmp_path):
    code = "import t2ibook, json; import t2ibook.core as c; print(json.dumps([t2ibook.__file__, str(c.published_dir()), str(c.notebooks_dir())]))"
    file, *places = json.loads(python(installed, "-c", code, where=tmp_path))
    assert Path(file).is_relative_to(installed)
    for (folder, function, pattern), place in zip(SHIPPED, places):
        assert Path(place).is_relative_to(installed), f"{function}() leads back to the clone"
        files = [path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob(pattern)
                 if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(ROOT).parts)]
        assert [str(path) for path in files if not (Path(place) / path).is_file()] == []


def test_the_command_line_runs_anywhere(installed, tmp_path):
    if not (ROOT / "t2ibook/cli.py").is_file(): pytest.skip("there is no command line yet")
    assert "draw" in python(installed, "-c", "from t2ibook.cli import main; main()", "--help", where=tmp_path)
    if any((ROOT / "data/records").glob("*")):
        records = json.loads(python(installed, "-c", "from t2ibook.cli import main; main()", "records", "--json", where=tmp_path))
        assert isinstance(records, list) and records


def test_outside_a_clone_the_site_says_what_to_do(installed, tmp_path):
    code = "from t2ibook.site import main; raise SystemExit(main(['build', 'out']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("the site is built from the book's notebooks; clone the repository")
    assert len(done.stderr.splitlines()) == 1
