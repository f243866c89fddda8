"""Rules for the project as a whole: who may import whom, what a page may contain, what may be committed. Written by hand."""
import ast
import configparser
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import nbformat
import pytest

import t2ibook
from t2ibook import book, reports, site

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "t2ibook"

# A module imports from floors below its own, or from its own floor as long as no circle arises.
FLOORS = {"core": 0, "pictures": 0, "trying": 0,
          "worlds": 1, "text": 1, "layers": 1, "attention": 1, "repeated": 1, "adversarial": 1, "contrast": 1, "witnesses": 1,
          "datasets": 2, "folders": 2, "stories": 2, "realdata": 2,
          "training": 3, "metrics": 3, "judge": 3,
          "systems": 4, "retrieval": 4,
          "evaluation": 5, "bounds": 5, "feature_scores": 5, "style": 5, "refinement": 5, "bench": 5, "reports": 5, "records": 5, "drawing": 5, "book": 5,
          "site": 5,
          "cli": 6, "": 6}          # "" is t2ibook/__init__.py, which loads everything lazily

# `t2ibook draw` has to answer within seconds: these floors import heavy packages only inside the functions that need them.
QUICK = ("worlds", "text", "layers", "systems", "drawing", "core", "pictures", "datasets", "folders")
HEAVY = {"torchvision", "accelerate", "torchmetrics", "sklearn", "pandas", "papermill", "nbclient", "matplotlib.pyplot"}

LONG = {"t2ibook/worlds/blossoms.py": "five grounds, four shapes of petals, and sentences that are read, written and reworded: one world, one chapter",
        "t2ibook/worlds/scenes.py": "ten objects and eight backgrounds, a function each, and the captions that name them: one world, one chapter",
        "t2ibook/worlds/toons.py": "six characters, their poses and the grammar; places and props already stand in worlds.stage"}   # file -> reason
ENTRY_POINTS = {"main"}             # a name that more than one module may export


@cache
def modules() -> dict[str, tuple[Path, ast.Module]]:
    "Dotted name inside the package ('' for the package itself) -> file and syntax tree."
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path, ast.parse(path.read_text(encoding="utf-8"), filename=path.name)
    return found


def imported(name: str, nodes) -> set[str]:
    "Modules of the package that the import statements among `nodes` of module `name` refer to."
    path, found = modules()[name][0], set()
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("t2ibook").lstrip(".") for alias in node.names if alias.name.split(".")[0] == "t2ibook"}
        if isinstance(node, ast.ImportFrom):
            if node.level:
                above = [part for part in package if part][:len([part for part in package if part]) - node.level + 1]
                base = ".".join(filter(None, [*above, node.module]))
            elif (node.module or "").split(".")[0] == "t2ibook": base = node.module.removeprefix("t2ibook").lstrip(".")
            else: continue
            inside = {".".join(filter(None, [base, alias.name])) for alias in node.names}
            known = inside & modules().keys()
            found |= known or {base}
    return found - {name}


def floor(name: str) -> int: return FLOORS.get(name.split(".")[0], 6)


def all_names(tree: ast.Module) -> list[str]:
    "What `__all__` lists."
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)]
    return []


def top_level(tree: ast.Module):
    "Nodes that run when the module is imported: all but the insides of functions and of `if TYPE_CHECKING`."
    queue = list(tree.body)
    while queue:
        node = queue.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda): continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test): continue
        queue += ast.iter_child_nodes(node)


# the library

def test_every_module_has_a_floor():
    assert [name for name in modules() if name.split(".")[0] not in FLOORS] == [], "give the module a floor in FLOORS"


def test_modules_import_from_below():
    up = [f"{name} (floor {floor(name)}) imports {other} (floor {floor(other)})" for name, (_, tree) in modules().items()
          for other in imported(name, ast.walk(tree)) if other and floor(other) > floor(name)]      # `import t2ibook` itself is lazy
    assert up == []


def test_no_import_goes_in_a_circle():
    edges = {name: imported(name, ast.walk(tree)) - {""} for name, (path, tree) in modules().items() if path.name != "__init__.py"}
    done, circles = set(), []

    def visit(name, way):
        if name in way: circles.append(" -> ".join([*way[way.index(name):], name])); return
        if name in done or name not in edges: return
        for other in sorted(edges[name]): visit(other, [*way, name])
        done.add(name)

    for name in sorted(edges): visit(name, [])
    assert circles == []


def test_only_chapters_and_tests_use_what_they_try_files_with():
    assert [name for name, (_, tree) in modules().items() if "trying" in imported(name, ast.walk(tree))] == []


def test_the_import_rules_can_fail():
    tree = ast.parse("def f():\n    from t2ibook.cli import main\nfrom ..core import sha256\nfrom .base import World\nimport t2ibook.records")
    assert imported("worlds.base", ast.walk(tree)) >= {"cli", "core", "records"}
    assert {n.names[0].name for n in top_level(ast.parse("import a\ndef f(): import b\nclass C: import c")) if isinstance(n, ast.Import)} == {"a", "c"}


def test_quick_modules_import_nothing_heavy_at_the_top():
    found = []
    for name, (_, tree) in modules().items():
        if name.split(".")[0] not in QUICK: continue
        for node in top_level(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else \
                [node.module, *(f"{node.module}.{a.name}" for a in node.names)] if isinstance(node, ast.ImportFrom) and not node.level else []
            found += [f"{name}: {one}" for one in names if one and (one in HEAVY or one.split(".")[0] in HEAVY)]
    assert found == []


@pytest.mark.parametrize("name", ["t2ibook", "t2ibook.core", "t2ibook.cli"])
def test_import_does_not_load_torch(name):
    if name == "t2ibook.cli" and not (LIBRARY / "cli.py").is_file(): pytest.skip("there is no command line yet")
    code = f"import {name}, sys; print([m for m in ('torch', 'torchvision', 'numpy', 'matplotlib', 'nbformat') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch" not in done.stdout, done.stdout


def test_no_name_is_exported_twice():
    owners = {}
    for name, (path, tree) in modules().items():
        if path.name == "__init__.py" or name == "cli": continue            # a command carries the name of the function that it calls
        for one in all_names(tree):
            # constants belong to their package: each world has its own NAMES and COLOURS
            key = (name.split(".")[0] if "." in name else "", one) if one.isupper() else ("", one)
            owners.setdefault(key, []).append(name)
    twice = {one: names for (package, one), names in owners.items() if len(names) > 1 and not package and one not in ENTRY_POINTS}
    assert twice == {}


def test_public_functions_and_classes_say_what_they_do():
    silent = []
    for name, (_, tree) in modules().items():
        public = set(all_names(tree))
        silent += [f"{name}.{node.name}" for node in tree.body
                   if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in public and not ast.get_docstring(node)]
    assert silent == []


def test_exported_files_are_short():
    sizes = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path, _ in modules().values()}
    assert {name: n for name, n in sizes.items() if n > 400 and name not in LONG} == {}, "split the chapter, or give the reason in LONG"
    assert [name for name in LONG if sizes.get(name, 0) <= 400] == [], "these are short now; take them out of LONG"


# the notebooks

def markdown(path: Path) -> str:
    "The prose of a notebook or Markdown file, without code and formulas."
    text = path.read_text(encoding="utf-8") if path.suffix == ".md" else \
        "\n\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")
    for code in (r"```.*?```", r"`[^`\n]*`", r"\$\$.*?\$\$", r"\$[^$\n]+\$"): text = re.sub(code, " ", text, flags=re.S)
    return text


PAGES = [*book.chapters(ROOT / "nbs"), *([ROOT / "README.md"] if (ROOT / "README.md").is_file() else [])]


def test_notebooks_library_tests_and_outputs_agree():
    assert book.problems(ROOT) == []


def test_quarto_configuration_is_current():
    assert (ROOT / "_quarto.yml").read_text(encoding="utf-8") == site.quarto_config(ROOT), "run make export"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    text = markdown(path)
    links = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    local = [link.split("#")[0] for link in links if not re.match(r"[a-z]+:", link) and not link.startswith("#")]
    exists = Path.exists if path.suffix == ".md" else Path.is_file           # a page of the site can link to files only
    assert [link for link in local if not exists((path.parent / link).resolve()) or not (path.parent / link).resolve().is_relative_to(ROOT)] == []


def test_tables_of_the_readme_are_current():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert reports.filled(text) == text, "run: python -m t2ibook.reports readme"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_markdown_is_portable(path):
    raw = path.read_text(encoding="utf-8") if path.suffix == ".md" else \
        "\n\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")
    for pattern, what in [(r"^:::", "a fence of colons"), (r"\{\{<", "a Quarto shortcode"), (r"^```\{", "a MyST or Quarto directive"),
                          (r"\{(?:ref|numref|eq|doc|cite)\}`", "a MyST role"), (r"\[?@(?:fig|eq|sec|tbl)-", "a Quarto reference")]:
        hit = re.search(pattern, raw, re.M)
        assert not hit, f"{what}, which only some readers see: {raw[hit.start():hit.start() + 60]!r}"


@pytest.mark.parametrize("path", [path for path in PAGES if path.suffix == ".ipynb"], ids=lambda path: path.stem)
def test_a_page_opens_with_title_and_summary(path):
    first = nbformat.read(path, 4).cells[0]
    opening = r"# \S" if path.parent.name == "train" else r"# \S.*\n\n> \S"
    assert first.cell_type == "markdown" and re.match(opening, first.source), "the first cell is '# Title'; in a chapter, then an empty line and '> summary'"


@pytest.mark.parametrize("path", sorted((ROOT / "nbs/train").glob("[a-z]*.ipynb")), ids=lambda path: path.stem)
def test_training_notebooks_take_parameters(path):
    tagged = [cell for cell in nbformat.read(path, 4).cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    tree = ast.parse(tagged[0].source)
    assert all(isinstance(node, ast.Assign | ast.AnnAssign) for node in tree.body), "nothing but simple assignments among the parameters"
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    assert names >= {"data", "profile", "seed", "steps", "out"}


# packaging, and what may be committed

def test_settings_and_package_agree():
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "settings.ini")
    settings, package = settings["DEFAULT"], tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert settings["version"] == t2ibook.__version__ == package.get("version", t2ibook.__version__)
    assert settings["description"] == package["description"]
    assert package["requires-python"] == f">={settings['min_python']}"
    assert "tags" in settings["allowed_cell_metadata_keys"].split(), "without it nbdev_clean removes the tag that papermill looks for"


def test_the_lock_holds_every_dependency():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    plain = lambda name: re.split(r"[\s<>=!~;\[]", name.strip())[0].lower().replace("_", "-").replace(".", "-")
    locked = dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M))
    locked = {plain(name): version for name, version in locked.items()}
    wanted = [plain(one) for group in [package["dependencies"], *package["optional-dependencies"].values()] for one in group]
    assert [name for name in wanted if name not in locked] == [], "run make lock"
    assert locked["torch"] != "2.13.0", "it can resolve to a CPU-only build whose torchvision cannot be imported"


@cache
def committed() -> list[Path]:
    "Files of the clone that are tracked or would be; skips when there is no git to ask."
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return []
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_committed_files_are_small():
    if not committed(): pytest.skip("not a git clone")
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in committed()}
    assert {name: size for name, size in sizes.items() if size > 6_500_000} == {}
    assert sum(sizes.values()) < 60_000_000
    assert sum(size for name, size in sizes.items() if name.startswith("data/")) < 45_000_000


def test_no_file_mentions_the_machine_it_was_written_on():
    if not committed(): pytest.skip("not a git clone")
    place = re.compile(r"(?<![\w.~-])/(?:work|root|tmp|home|Users)/\w+|[A-Z]:\\+Users")
    found = []
    for path in committed():
        if path.suffix not in {".py", ".ipynb", ".md", ".yml", ".toml", ".ini", ".json", ".csv", ".lock", ""}: continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if len(line) < 5000 and (hit := place.search(line)): found.append(f"{path.relative_to(ROOT)}:{number}: {hit[0]}")
    assert found == []
