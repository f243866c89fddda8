"""Checks of nbs/09_book.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pathlib import Path
from t2ibook.book import (
    ChapterError,
    _asserts_something,
    _defined,
    _indented,
    _is_imports_only,
    _machine,
    _parse,
    _save_clean,
    _statements,
    chapters,
    code_cells,
    code_stamp,
    directives,
    extract_tests,
    main,
    notebook_problems,
    problems,
    pytest_file,
    pytest_source,
    run_chapter,
    smaller_png,
)
from t2ibook.core import BookError, atomic_path
import ast
import base64
import hashlib
import io
import nbformat
import random
import re
import tempfile
import time
import tokenize


def tiny_notebook(folder, *sources):
    "Write a notebook whose code cells are `sources`, stamp included, and return its path."
    cells = [nbformat.v4.new_code_cell(s, id=f"c{i}") for i, s in enumerate(sources)]
    path = Path(folder) / "01_tiny.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


# cell 6d3b9f68
def test_directives_are_read_from_the_top_only():
    assert directives("#| export\n#| test shapes\nx = 1\n#| hide") == {"export": "", "test": "shapes"}
    assert directives("x = 1") == {}



# cell 3fd082ba
def test_constant_assertions_do_not_count():
    assert _asserts_something(ast.parse("assert x == 1"))
    assert _asserts_something(ast.parse("torch.testing.assert_close(a, b)"))
    assert not _asserts_something(ast.parse("assert True"))
    assert not _asserts_something(ast.parse("print(x)"))



# cell 5d2a806d
def test_strings_survive_indentation():
    cell = 'text = """a\n  b"""\nif text:\n    y = 1'
    scope = {}
    exec("def f():\n" + _indented(cell) + "\n    return text, y", scope)
    assert scope["f"]() == ("a\n  b", 1)



# cell df15a663
def test_extracted_tests_run_and_can_fail():
    with tempfile.TemporaryDirectory() as folder:
        for body, outcome in [("assert 1 + one() == 2", "passed"), ("assert 1 + one() == 3", "failed")]:
            path = tiny_notebook(folder, "#| test-setup\ndef one(): return 1", "#| test sums\n" + body)
            scope = {}
            exec(pytest_source(path), scope)
            try: scope["test_sums"](); got = "passed"
            except AssertionError: got = "failed"
            assert got == outcome



# cell dce97a19
def test_a_cell_that_asserts_nothing_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        for source, complaint in [("#| test idle\nprint(1 + 1)", "asserts nothing"), ("#| test two words\nassert x", "cannot be the name"),
                                  ("#| test broken\nassert (", "cell c0"), ("#| test shell\n!ls\nassert x", "cell c0")]:
            try: pytest_source(tiny_notebook(folder, source)); message = ""
            except ChapterError as error: message = str(error)
            assert complaint in message
        assert pytest_source(tiny_notebook(folder, "!ls\n%cd -q ..")) is None



# cell 79ed0476
def test_pictures_shrink_and_stay_the_same():
    gen = random.Random(0)
    noisy, few = (bytes(gen.randrange(k) for _ in range(40 * 30 * 3)) for k in (256, 4))
    plain, flat = (Image.frombytes("RGB", (40, 30), pixels) for pixels in (noisy, few))
    glass = plain.convert("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize((40, 30)))
    kinds = {"colours": plain, "few colours": flat, "opaque": flat.convert("RGBA"), "translucent": glass, "grey": plain.convert("L"), "palette": flat.quantize(16)}
    sizes = {}
    for name, picture in kinds.items():
        told, out = PngInfo(), io.BytesIO()
        told.add_text("captions", "a flower, être")
        picture.save(out, "PNG", pnginfo=told, dpi=(96, 96), compress_level=1)
        after = smaller_png(out.getvalue())
        again = Image.open(io.BytesIO(after))
        assert again.convert("RGBA").tobytes() == picture.convert("RGBA").tobytes() and again.text == {"captions": "a flower, être"}, name
        assert abs(again.info["dpi"][0] - 96) < 0.1 and len(smaller_png(after)) <= len(after) <= len(out.getvalue()), name
        sizes[name] = len(after) / len(out.getvalue())
    assert sizes["opaque"] < 0.7 and sizes["few colours"] < 0.9 and sizes["palette"] <= 1



# cell 97cfb8c1
def test_stamp_depends_on_code_and_order_only():
    one, two = nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell("x = 2")
    prose = nbformat.v4.new_markdown_cell("words")
    book = lambda *cells: nbformat.v4.new_notebook(cells=list(cells))
    assert code_stamp(book(one, two)) == code_stamp(book(one, prose, two)) != code_stamp(book(two, one))



# cell 762095f2
def test_stale_outputs_are_found():
    with tempfile.TemporaryDirectory() as folder:
        path = tiny_notebook(folder, "x = 1")
        assert notebook_problems(path) == ["01_tiny.ipynb: its outputs are older than its code; run it again"]
        notebook = nbformat.read(path, 4)
        notebook.metadata["t2ibook"] = {"code": code_stamp(notebook)}
        nbformat.write(notebook, path)
        assert notebook_problems(path) == ["01_tiny.ipynb: it shows nothing; let some cell print or draw what it explains"]
        notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="1")]
        nbformat.write(notebook, path)
        assert notebook_problems(path) == []
        notebook.cells[0].outputs = [nbformat.v4.new_output("stream", name="stderr", text="careful")]
        nbformat.write(notebook, path)
        assert notebook_problems(path) == ["01_tiny.ipynb: cell c0 wrote to the error stream"]



# cell 5d99c2d8
def test_a_lost_parameters_tag_is_found():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "train").mkdir()
        path = tiny_notebook(Path(folder) / "train", "steps = 3")
        assert "has exactly one cell tagged 'parameters'; this one has 0" in notebook_problems(path)[1]
