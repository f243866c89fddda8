"""Checks of nbs/00b_trying.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from t2ibook.core import BookError
from t2ibook.core import DataError, InputError, check_choice, read_json, real_data_dir
from t2ibook.trying import (
    _bytes,
    complaint,
    data_folder,
    picture_bytes,
    write_archive,
    write_tree,
)
import io
import os
import tarfile
import tempfile
import zipfile


# cell 91bf04b9
def test_a_complaint_is_the_message_of_the_books_errors():
    def fail(error): raise error


    for kind in (BookError, DataError, InputError): assert complaint(fail, kind("x.txt is missing")) == "x.txt is missing"
    assert complaint(check_choice, "tons", choices=["toons"], what="world") == "unknown world 'tons'; did you mean 'toons'?"
    assert complaint(dict, function=1, arguments=2) == ""                                   # a keyword may have any name
    try: complaint(fail, KeyError("ours"))
    except KeyError as error: let_through = error.args == ("ours",)
    else: let_through = False
    assert let_through



# cell e356b38e
def test_files_come_back_as_they_were_written():
    files = {"a/b/c.txt": "é", "a/d.bin": bytes(range(256)), "e.txt": "", "gone.txt": None}
    held = {"a/b/c.txt": "é".encode(), "a/d.bin": bytes(range(256)), "e.txt": b""}
    on_disk = lambda folder: {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    def in_archive(path):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as packed: return {name: packed.read(name) for name in packed.namelist()}
        with tarfile.open(path) as packed: return {member.name: packed.extractfile(member).read() for member in packed}


    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assert write_tree(folder / "new/tree", files) == folder / "new/tree" and on_disk(folder / "new/tree") == held
        for ending in ["zip", "tar", "tar.gz", "tgz"]:
            path = write_archive(folder / f"x.{ending}", files)
            assert in_archive(path) == held and (path.read_bytes()[:2] == b"\x1f\x8b") == ending.endswith("gz")
            half = write_tree(folder / ending, files, packed={f"half.{ending}": "a/"})
            assert set(on_disk(half)) == {"e.txt", f"half.{ending}"}
            assert in_archive(half / f"half.{ending}") == {name: data for name, data in held.items() if name.startswith("a/")}
        with tarfile.open(write_archive(folder / "link.tar", {"../out": b""}, type=tarfile.SYMTYPE, linkname="elsewhere")) as tar:
            member, = tar.getmembers()
            assert member.issym() and (member.name, member.linkname) == ("../out", "elsewhere")



# cell 007fe15b
def test_pictures_are_files_of_their_kind():
    for kind in ("JPEG", "PNG"):
        picture = Image.open(io.BytesIO(picture_bytes((200, 100, 0), (30, 20), kind)))
        assert (picture.format, picture.size) == (kind, (30, 20)) and max(abs(a - b) for a, b in zip(picture.getpixel((9, 9)), (200, 100, 0))) < 4
    grey = Image.linear_gradient("L")
    assert Image.open(io.BytesIO(picture_bytes(grey, kind="PNG"))).tobytes() == grey.tobytes()
    assert len(picture_bytes(grey, quality=10)) < len(picture_bytes(grey)) == len(picture_bytes(grey, quality=95))



# cell 4c2a3620
def test_the_data_folder_is_there_for_a_moment():
    variables = ("T2IBOOK_DATA", "T2IBOOK_CACHE")
    outside = {name: os.environ.get(name) for name in variables}
    try:
        os.environ["T2IBOOK_DATA"] = "mine"
        os.environ.pop("T2IBOOK_CACHE", None)
        for error in [None, InputError("x")]:
            def use():
                with data_folder() as folder:
                    seen.append(folder)
                    assert real_data_dir() == folder and folder.is_dir() and not list(folder.iterdir())
                    assert Path(os.environ["T2IBOOK_CACHE"]).parent == folder
                    write_tree(folder, {"a/b.txt": "b"})
                    if error: raise error
            seen = []
            assert complaint(use) == ("x" if error else "") and not seen[0].exists()
            assert [os.environ.get(name) for name in variables] == ["mine", None]
    finally:
        for name, value in outside.items(): os.environ.pop(name, None) if value is None else os.environ.update({name: value})
