"""Checks of nbs/09b_site.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from pathlib import Path
from t2ibook.book import chapters, directives
from t2ibook.core import BookError
from t2ibook.site import (
    CONFIGURATION,
    PARTS,
    STYLE,
    _block,
    _cached,
    _convert_page,
    _inline,
    _linked_files,
    _math_font,
    _quarto,
    _shown,
    _sphinx,
    _stage,
    _title,
    _toctree,
    build_site,
    filter_notebook,
    main,
    mathml,
    parts,
    quarto_config,
    remote_sources,
    serve_site,
    setup,
    untagged,
)
import copy
import functools
import html
import json
import nbformat
import os
import re
import shutil
import subprocess
import sys
import tempfile


def tiny_book(folder, **pages):
    "Write a clone with one notebook a page; a page is a list of sources, Markdown ones begin with a `%`. Returns its root."
    nbs = Path(folder) / "nbs"
    for name, sources in pages.items():
        cells = [nbformat.v4.new_markdown_cell(s[1:], id=f"c{i}") if s.startswith("%") else nbformat.v4.new_code_cell(s, id=f"c{i}")
                 for i, s in enumerate(sources)]
        path = nbs / (name.replace("__", "/").lstrip("_") + ".ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    (Path(folder) / "settings.ini").write_text("[DEFAULT]\ntitle = Tiny\n")
    return Path(folder)


# cell 6d37fb68
def test_parts_follow_the_file_names():
    with tempfile.TemporaryDirectory() as folder:
        root = tiny_book(folder, _20_gan=["%# GAN"], _00_core=["%# Core"], index=["%# In"], train__gan=["steps = 1"])
        assert {title: [p.stem for p in paths] for title, paths in parts(root / "nbs").items()} == {
            "Foundations": ["00_core"], "Adversarial": ["20_gan"], "Training notebooks": ["gan"]}
        tiny_book(folder, _70_lost=["%# Lost"])
        try: parts(root / "nbs"); message = ""
        except BookError as error: message = str(error)
        assert "70_lost.ipynb belongs to no part" in message



# cell 6e5838d7
def test_the_filter_hides_marks_and_nothing_else():
    code = lambda *sources: nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s, id=f"c{i}") for i, s in enumerate(sources)])
    before = code("#| default_exp x", "#| hide\ny = 1", "#| export\n\nz = '''\n#| not a mark\n'''", "w = 1  #| neither")
    text = nbformat.writes(before)
    after = filter_notebook(before)
    assert [c.source for c in after.cells] == ["z = '''\n#| not a mark\n'''", "w = 1  #| neither"]
    assert after.cells[0].metadata.tags == ["library"]
    assert nbformat.writes(before) == text                                        # the notebook itself is left alone
    before.metadata["t2ibook"] = {"ran": "3 s on 2 CPU cores"}
    assert filter_notebook(before).cells[-1].source == "*Outputs made by this page's code in 3 s on 2 CPU cores.*"
    numbered = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(r"$$x \tag{2a}$$", id="m")])
    assert filter_notebook(numbered, plain_tags=True).cells[0].source == r"$$x \qquad\text{(2a)}$$"
    assert filter_notebook(numbered).cells[0].source == r"$$x \tag{2a}$$"



# cell e3dfc579
def test_quarto_renders_exactly_the_chapters():
    import yaml
    with tempfile.TemporaryDirectory() as folder:
        root = tiny_book(folder, _00_core=["%# Core"], _10_rnn=["%# RNN"], index=["%# In"], train__rnn=["steps = 1"])
        config = yaml.safe_load(quarto_config(root))
        assert config["project"]["render"] == ["nbs/index.ipynb", "nbs/00_core.ipynb", "nbs/10_rnn.ipynb", "nbs/train/rnn.ipynb"]
        side = config["website"]["sidebar"]["contents"]
        assert side[0] == "nbs/index.ipynb"
        assert [s["section"] for s in side[1:]] == ["Foundations", "Captions to pixels", "Training notebooks"]
        assert config["format"]["html"]["html-math-method"] == "mathml" and config["ipynb-filters"] == ["python -m t2ibook.site filter"]



# cell 9f7d9eed
def test_formulas_become_mathml():
    one, two = mathml([(r"p_\theta(x \mid z) < 1", False), (r"\begin{aligned} a &= \log p \\ b &= c \end{aligned}", True)])
    assert one.startswith('<math display="inline"') and "<msub><mi>p</mi><mi>θ</mi></msub>" in one and "&lt;" in one
    assert two.startswith('<math display="block"') and two.count("<mtr>") == 2
    assert mathml([]) == []



# cell 131fd910
def test_a_formula_nobody_can_read_is_refused():
    try: mathml([("x", False), (r"\nosuchcommand x", True)]); message = ""
    except BookError as error: message = str(error)
    assert message == r"this formula cannot be shown; simplify it: \nosuchcommand x"



# cell 28c544c6
def test_tags_come_off():
    assert untagged(r"x + 1 \tag{2a}") == ("x + 1 ", "2a")
    assert untagged("x + 1") == ("x + 1", "")



# cell 4e1ef9f2
def test_requests_to_other_servers_are_found():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.html").write_text('<a href="https://ok.org">x</a><img alt="x" src="pictures/b.png"><link rel="canonical" href="https://ok.org">'
                                             '<script async src="https://bad.org/x.js"></script><link href="//bad.org/y.css" rel="stylesheet">'
                                             "<style>p { background: url(//bad.org/w.png) }</style><p style=\"background: url('https://bad.org/v.png')\">"
                                             "<pre>url('https://ok.org/printed.png')</pre>")
        (Path(folder) / "b.css").write_text("@import url('https://bad.org/z.css'); p { background: url(data:image/png;base64,xx) }")
        assert remote_sources(folder) == ["a.html: https://bad.org/x.js", "a.html: //bad.org/y.css", "a.html: //bad.org/w.png", "a.html: https://bad.org/v.png",
                                          "b.css: https://bad.org/z.css"]



# cell e5865ad9
def test_a_tiny_book_is_built_and_reads_offline():
    with tempfile.TemporaryDirectory() as folder:
        root = tiny_book(folder, index=["%# A tiny book\n\nStart with [the first](00_one.ipynb)."],
                         _00_one=["%# One\n\nLet $a<b$. Then\n\n$$a + 1 \\le b \\tag{7}$$\n\nSee [the licence](../LICENSE).",
                                  "#| test sums\nassert 1 + 1 == 2", "#| hide\nsecret = 1"], train__one=["%# Train one", "steps = 3"])
        (root / "LICENSE").write_text("free")
        table = nbformat.v4.new_output("display_data", data={"text/markdown": "| model | $R$ |\n|---|---:|\n| **ours** | 0.5 |"})
        with_table = nbformat.read(root / "nbs/00_one.ipynb", 4)
        with_table.cells.append(nbformat.v4.new_code_cell("show()", outputs=[table], id="shown"))
        nbformat.write(with_table, root / "nbs/00_one.ipynb")
        first = build_site(root, root / "_site", renderer="sphinx")
        page = (root / "_site/nbs/00_one.html").read_text(encoding="utf-8")
        assert 'href="00_one.html"' in first.read_text(encoding="utf-8") and "Training notebooks" in page
        assert '<math display="inline"' in page and '<a class="number" id="equation-7"' in page and "#|" not in page and "secret" not in page
        assert "<table" in page and "<strong>ours</strong>" in page and "|---" not in page
        assert (root / "_site/_static/math.ttf").stat().st_size > 500_000
        assert remote_sources(root / "_site") == [] and "nbs/index.html" in (root / "_site/index.html").read_text()
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# One\n\n[gone](99_gone.ipynb)")]), root / "nbs/00_one.ipynb")
        try: build_site(root, root / "_site", renderer="sphinx"); message = ""
        except BookError as error: message = str(error)
        assert "99_gone.ipynb" in message
        assert (root / "_site/nbs/00_one.html").read_text(encoding="utf-8") == page      # the last good site is still there



# cell bf451079
def test_other_folders_are_left_alone():
    with tempfile.TemporaryDirectory() as folder:
        try: build_site(folder, Path(folder) / "_site"); message = ""
        except BookError as error: message = str(error)
        assert message.startswith("the site is built from the book's notebooks; clone the repository")
        root = tiny_book(folder, index=["%# In"])
        (root / "precious").mkdir(); (root / "precious/thesis.txt").write_text("ten years")
        try: build_site(root, root / "precious", renderer="sphinx"); message = ""
        except BookError as error: message = str(error)
        assert "is not a site" in message and (root / "precious/thesis.txt").read_text() == "ten years"



# cell a8a4f44d
def test_the_filter_is_a_pipe():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("#| export\nx = 'ü'", id="a")])
    done = subprocess.run([sys.executable, "-m", "t2ibook.site", "filter"], input=nbformat.writes(notebook), capture_output=True, encoding="utf-8",
                          env={**os.environ, "PYTHONIOENCODING": "utf-8"}, check=True)
    assert nbformat.reads(done.stdout, 4).cells[0].source == "x = 'ü'"
    assert isinstance(json.loads(done.stdout)["cells"][0]["source"], list)      # Quarto joins the lines itself



# cell 0e98ff65
def test_the_site_is_served():
    import threading
    import urllib.request
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "index.html").write_text("hello")
        server = serve_site(folder, port=0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            assert opener.open(f"http://127.0.0.1:{server.server_port}/").read() == b"hello"
            try: serve_site(folder, port=server.server_port); message = ""
            except BookError as error: message = str(error)
            assert "is in use" in message
        finally:
            server.shutdown(); server.server_close()
