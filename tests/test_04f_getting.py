"""Checks of nbs/04f_getting.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from t2ibook.core import DataError, check_choice, published_dir, real_data_dir, sha256
from t2ibook.datasets.base import DATASETS, Rows, load_dataset
from t2ibook.datasets.files import decode_picture, unpack, unzipped
from t2ibook.datasets.getting import (
    Download,
    RECIPES,
    Recipe,
    _COCO,
    _FLOWERS,
    _MNIST,
    _OXFORD,
    _Resume,
    _TEXT_C10,
    _complete,
    _known,
    _name_hash,
    check_files,
    check_set,
    checksum,
    checksums,
    fetch,
    get_set,
    steps,
)
from t2ibook.trying import complaint, data_folder, picture_bytes, write_archive, write_tree
import http.server
import numpy as np
import os
import tempfile
import threading
import zlib


class Server:
    "Serves some bytes on this machine; sends at most `limit` of them at a time; notes what was asked for."
    def __init__(self, content, ranges=True):
        me = self; self.content, self.asked, self.limit = content, [], None

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_): pass
            def do_GET(self):
                me.asked.append(self.headers.get("Range"))
                start = int(self.headers["Range"][6:-1]) if ranges and self.headers.get("Range") else 0
                body = me.content[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body))); self.end_headers()
                self.wfile.write(body[:me.limit])
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/set.tar.gz"
    def __enter__(self): threading.Thread(target=self.http.serve_forever, daemon=True).start(); return self
    def __exit__(self, *_): self.http.shutdown(); self.http.server_close()


def tiny_flickr(n=20):
    names, noise = [f"{i:03d}.jpg" for i in range(n)], np.random.default_rng(0)
    tree = {"tiny/captions.txt": ("image,caption\n" + "".join(f"{n},a dog {k}\n" for n in names for k in range(5))).encode()}
    for name in names: tree[f"tiny/Images/{name}"] = picture_bytes(Image.fromarray(noise.integers(0, 256, (40, 50, 3), dtype=np.uint8)), quality=75)
    return tree


# cell 0c1c5a81
def test_downloads_go_on_where_they_stopped():
    content = np.random.default_rng(0).bytes(300_000)
    for ranges in [True, False]:
        with tempfile.TemporaryDirectory() as folder, Server(content, ranges) as server:
            wanted, folder = Download(server.url, md5(content).hexdigest(), len(content)), Path(folder)
            server.limit = 200_000
            assert "run the command again" in complaint(fetch, wanted, folder) and [p.name for p in folder.iterdir()] == ["set.tar.gz.part"]
            server.limit, events = None, []
            assert fetch(wanted, folder, events.append).read_bytes() == content and events and [p.name for p in folder.iterdir()] == ["set.tar.gz"]
            have = int(server.asked[1][6:-1])
            assert 0 < have <= 200_000 and server.asked == [None, f"bytes={have}-"]                # it asked for the rest only
            fetch(wanted, folder)
            assert len(server.asked) == 2                                                         # it is there: nothing is asked
            wrong = Download(server.url.replace("set", "other"), "0" * 32, 1)
            assert "did not send the file it should" in complaint(fetch, wrong, folder) and [p.name for p in folder.iterdir()] == ["set.tar.gz"]
    assert "could not be fetched" in complaint(fetch, Download(server.url, "0" * 32, 1), Path(tempfile.gettempdir()) / "t2ibook-none")



# cell e8d0fd26
def test_one_wrong_byte_is_named():
    tree = tiny_flickr()
    known = dict(line.split() for line in checksums(tree.items()).splitlines())
    with data_folder() as folder:
        write_tree(folder / "flickr8k", tree)
        assert check_files(DATASETS["flickr8k"].rows(), known) == 21
        passed_over = 0
        for k in [30, 700, 1000, 1500]:                           # one bit, in the header and in the picture
            path = folder / "flickr8k/tiny/Images/007.jpg"
            good = tree["tiny/Images/007.jpg"]
            path.write_bytes(good[:k] + bytes([good[k] ^ 4]) + good[k + 1:])
            assert "007.jpg" in complaint(check_files, DATASETS["flickr8k"].rows(), known)
            passed_over += not complaint(check_files, DATASETS["flickr8k"].rows(), {})
            path.write_bytes(good)
        assert passed_over                                        # without checksums some of them would not be seen
        assert "20 pictures here" in complaint(check_set, "flickr8k")
        path.unlink()
        assert "007.jpg is missing" in complaint(check_set, "flickr8k")



# cell 630f118e
def test_get_unpacks_checks_and_tells_the_rest():
    tree = tiny_flickr()
    with data_folder() as folder, Server(write_archive(folder / "set.tar.gz", tree).read_bytes()) as server:
        wanted = Download(server.url, md5(server.content).hexdigest(), len(server.content), True)
        before, RECIPES["flickr8k"] = RECIPES["flickr8k"], Recipe("flickr8k", "tiny/Images/*.jpg", "", (wanted,), (20,), 5)
        try:
            assert not _complete("flickr8k") and get_set("flickr8k") and get_set("flickr8k") and len(server.asked) == 1
            assert sorted(p.name for p in (folder / "flickr8k").iterdir()) == [".set.tar.gz.done", "tiny"]
            report = check_set("flickr8k")
            assert report["pictures"] == 20 and report["captions"] == 100 and sum(s["pictures"] for s in report["splits"].values()) == 20
            (folder / "flickr8k/tiny/Images/003.jpg").unlink()
            assert not get_set("flickr8k")                        # it was fetched before, and is now incomplete: not fetched behind the user's back
        finally: RECIPES["flickr8k"] = before
        assert get_set("toons") and "unknown data set" in complaint(get_set, "flickr")
        for name, recipe in RECIPES.items():
            text = steps(name)
            assert str(folder / recipe.folder) in text and all(d.url in text for d in recipe.downloads) and (recipe.downloads or recipe.by_hand), name
    assert set(RECIPES) <= {name for name, source in DATASETS.items() if source.rows or source.check}



# cell e3b507cb
def test_the_real_copies_pass_and_one_byte_is_found():
    import pytest
    if "PYTEST_CURRENT_TEST" in os.environ and not os.environ.get("T2IBOOK_DATA"): pytest.skip("T2IBOOK_DATA is not set")
    if os.environ.get("T2IBOOK_DATA"):
        for name in ["emojione", "mnist", "oxford17", "flickr8k", "coco"]:
            if _complete(name): assert check_files(DATASETS[name].rows(), _known(RECIPES[name].folder)) >= 4, name
        if _complete("emojione"):
            files = DATASETS["emojione"].rows().files
            with data_folder() as folder:
                write_tree(folder / "emojione_v2", dict(files.each(files.find("emojione_v2/*"))))
                assert check_files(DATASETS["emojione"].rows(), _known("emojione_v2")) > 1790
                one = folder / "emojione_v2/emojione_v2/png/1F436.png"
                one.write_bytes(one.read_bytes()[:-20] + b"\0" + one.read_bytes()[-19:])
                assert "1F436.png" in complaint(check_files, DATASETS["emojione"].rows(), _known("emojione_v2"))
                one.unlink()
                assert "1F436.png" in complaint(check_set, "emojione")
