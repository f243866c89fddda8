"""Checks of nbs/04b_files.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image, UnidentifiedImageError
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from t2ibook.core import DataError, InputError, atomic_path, sha256
from t2ibook.datasets.files import (
    ARCHIVES,
    Files,
    MOST_WIDE,
    _DAMAGE,
    _Kind,
    _Plain,
    _broken,
    _is_archive,
    _is_junk,
    _is_torch,
    _number,
    _room,
    _safe_name,
    _tar_members,
    _zip_members,
    cache_dir,
    cached,
    caption_lines,
    decode_all,
    decode_picture,
    decode_text,
    open_set,
    picture_key,
    plain_pickle,
    unpack,
    unzipped,
)
from t2ibook.pictures import read_picture
from t2ibook.trying import complaint, data_folder, picture_bytes, write_archive, write_tree
import gzip
import io
import numpy as np
import os
import pickle
import re
import shutil
import tarfile
import tempfile
import time
import torch
import zipfile
import zlib


# cell 966d185c
def test_folder_tar_and_zip_are_one_thing():
    some = {"set/b.txt": b"two", "set/a/c.txt": b"three" * 1000, "set/a.txt": b"one"}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        places = [write_tree(folder / "plain", some), write_archive(folder / "x.tar.gz", some), write_archive(folder / "x.tar", some),
                  write_archive(folder / "x.zip", some | {"__MACOSX/set/._a": b""})]
        for files in map(Files, places):
            assert files.names == sorted(some) and dict(files.each(files.names)) == some and files.read("set/b.txt") == b"two"
            assert files.find("set/*.txt") == sorted(some) and "set/a.txt" in files and "set/none" not in files
            assert "set/none is missing" in complaint(files.read, "set/none")
            before = files.stamp(["set/a.txt"])
            assert before == files.stamp(["set/a.txt"]) != files.stamp(["set/b.txt"])
            os.utime(files.places[0] / "set/a.txt" if files.places[0].is_dir() else files.places[0], ns=(1, 1))
            assert files.stamp(["set/a.txt"]) != before
        both = Files(folder / "plain", write_archive(folder / "y.tar", {"set/a.txt": b"other", "set/more.txt": b"more"}))
        assert both.read("set/a.txt") == b"one" and both.read("set/more.txt") == b"more"
        (folder / "plain/y").mkdir(); shutil.copy(folder / "y.tar", folder / "plain/y.tar")
        assert "set/more.txt" not in open_set(folder / "plain", ["y.tar"]) and "put it there" in complaint(open_set, folder / "none", missing="put it there")



# cell c0faf662
def test_archives_that_lead_out_are_refused():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name in ["../evil.txt", "/evil.txt", "set/../../evil.txt", "..\\evil.txt", "C:/evil.txt"]:
            for archive in [write_archive(folder / ending, {"good.txt": b"", name: b"x"}) for ending in ("x.zip", "x.tar.gz")]:
                assert "do not unpack" in complaint(Files, archive) and "evil.txt" in complaint(Files, archive), name
        for kind in [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]:
            bad = write_archive(folder / "link.tar", {"set/link": b""}, type=kind, linkname="/etc/passwd")
            assert "set/link is a link or a device" in complaint(Files, bad)
        link = zipfile.ZipInfo("set/link"); link.external_attr = 0o120777 << 16
        with zipfile.ZipFile(folder / "link.zip", "w") as packed: packed.writestr(link, "/etc/passwd")
        assert "is a link or a device" in complaint(Files, folder / "link.zip")



# cell 02e5bff0
def test_a_damaged_archive_is_named():
    with tempfile.TemporaryDirectory() as folder:
        noise = np.random.default_rng(0).bytes(40_000)
        for archive in [write_archive(Path(folder) / ending, {"a.bin": noise, "b.bin": noise}) for ending in ("x.tar.gz", "x.zip")]:
            whole = archive.read_bytes()
            for spoiled in [whole[:30_000], whole[:20_000] + bytes([whole[20_000] ^ 1]) + whole[20_001:], b"no archive"]:
                archive.write_bytes(spoiled)
                message = complaint(lambda path: dict(Files(path).each(["a.bin", "b.bin"])), archive)
                assert str(archive) in message and "is damaged" in message and "\n" not in message



# cell 7598c811
def test_unpacking_is_whole_or_nothing():
    with tempfile.TemporaryDirectory() as folder:
        folder, noise = Path(folder), np.random.default_rng(0).bytes(20_000)
        (folder / "out/set").mkdir(parents=True); (folder / "out/set/mine.txt").write_text("mine")
        archive = write_archive(folder / "x.tgz", {"set/a.bin": noise, "set/deep/b.bin": noise})
        seen = []
        assert unpack(archive, folder / "out", seen.append) == ["set/a.bin", "set/deep/b.bin"] and seen[-1]["step"] == seen[-1]["of"] == 2
        assert Files(folder / "out").names == ["set/a.bin", "set/deep/b.bin", "set/mine.txt"] and (folder / "out/set/deep/b.bin").read_bytes() == noise
        archive.write_bytes(archive.read_bytes()[:15_000])
        assert "is damaged" in complaint(unpack, archive, folder / "half") and not list((folder / "half").rglob("*"))
        for bad in [write_archive(folder / "bad.zip", {"good.txt": b"", "../evil.txt": b"x"}), write_archive(folder / "bad.tar", {"good.txt": b"", "/evil.txt": b"x"})]:
            assert "do not unpack" in complaint(unpack, bad, folder / "bad") and not (folder / "bad").exists() and not list(folder.rglob("evil*"))



# cell 5916490f
def test_texts_are_named_with_their_lines():
    assert caption_lines(b"\xef\xbb\xbfone\r\ntwo  words\r\n\r\n", "x") == ["one", "two words"]
    assert "x is not UTF-8 in line 3" in complaint(caption_lines, b"a\nb\nc\xff\n", "x") and "empty caption in line 2" in complaint(caption_lines, b"a\n \nb", "x")
    for torch_file in [b"\x04\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00V 1", b"4\n1\n3\nV 1\n", b"\x03\x00\x00\x00\x01\x00\x00\x00", b"3\n1\n10\n2\nV 1"]:
        assert ".t7" in complaint(caption_lines, torch_file, "x.txt") or torch_file.startswith(b"3\n")
    assert not _is_torch(b"4 petals\n") and unzipped(gzip.compress(b"x"), "a.gz") == b"x" == unzipped(b"x", "a.txt")
    assert "a.gz is damaged" in complaint(unzipped, gzip.compress(b"x" * 99)[:-6], "a.gz")



# cell 31d71b42
def test_pickles_give_plain_values_only():
    for protocol in range(5):
        assert plain_pickle(pickle.dumps([1, "é", {"b": 2.5}], protocol), "x") == [1, "é", {"b": 2.5}]
        if protocol > 2: assert plain_pickle(pickle.dumps([np.int64(-7), np.uint8(200), np.float64(1.5)], protocol), "x") == [-7, 200, 1.5]
    old = b"(lp0\ncnumpy.core.multiarray\nscalar\np1\n(cnumpy\ndtype\np2\n(S'i8'\np3\nI0\nI1\ntp4\nRp5\n(I3\nS'<'\np6\nNNNI-1\nI-1\nI0\ntp7\nb" \
          b"S'\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00'\np8\ntp9\nRp10\nag10\na."
    assert plain_pickle(old, "x") == [2, 2] and type(plain_pickle(old, "x")[0]) is int                     # as Python 2 wrote it
    for harm in [b"cos\nsystem\n(S'echo harm'\ntR.", b"c__builtin__\neval\n(S'1'\ntR.", pickle.dumps(Path("x")), pickle.dumps(np.zeros(3)), b"cnumpy\nload\n(S'x'\ntR."]:
        assert "it is refused" in complaint(plain_pickle, harm, "x.pickle"), harm
    assert "line ends" in complaint(plain_pickle, old.replace(b"\n", b"\r\n"), "x") and "no pickle" in complaint(plain_pickle, b"hello", "x")



# cell 911ab79d
def test_pictures_are_judged_before_they_are_decoded():
    good = picture_bytes((250, 10, 20))
    assert decode_picture(good, "x", 16).shape == (3, 16, 16) and decode_picture(good, "x", 8, (10, 10, 400, 400))[0].min() > 240
    assert "x.jpg cannot be decoded" in complaint(decode_picture, good[:400], "x.jpg", 16) and "not a picture" in complaint(decode_picture, b"hello", "x.jpg", 16)
    assert "lies outside" in complaint(decode_picture, good, "x.jpg", 16, (100, 0, 120, 10))
    wide = picture_bytes((0, 0, 0), (60_000, 2), "PNG")
    start = time.process_time()
    assert "x.png is 60000 by 2 pixels" in complaint(decode_picture, wide, "x.png", 16)
    huge = bytearray(picture_bytes((0, 0, 0), (6, 6), "PNG")); huge[16:24] = (60_000).to_bytes(4, "big") * 2      # says so, holds nothing
    assert "x.png" in complaint(decode_picture, bytes(huge), "x.png", 16) and time.process_time() - start < 1



# cell c2c63d9d
def test_pictures_are_decoded_once():
    with data_folder() as folder:
        names = [f"{i}.png" for i in range(5)]
        archive = write_archive(folder / "x.tar.gz", {name: picture_bytes((40 * i, 0, 255), kind="PNG") for i, name in enumerate(names)})
        files, made = Files(archive), []
        def make(order=names): made.append(len(made)); return decode_all(files, order, 8)
        for order in [names, names[::-1]]:
            key = picture_key(files, order, None)
            first, again = (cached(key, (5, 3, 8, 8), lambda: make(order)) for _ in range(2))
            assert torch.equal(first, again) and first[:, 0, 0, 0].tolist() == [40 * int(name[0]) for name in order]
        assert len(made) == 2 and len(list(cache_dir().iterdir())) == 2 and not list(cache_dir().glob(".*"))
        again[0] = 0
        assert cached(key, (5, 3, 8, 8), make)[0].any()                                      # the file is as it was
        assert cached("other", (5, 3, 8, 8), make, keep=False).shape == (5, 3, 8, 8) and len(list(cache_dir().iterdir())) == 2
        one = next(cache_dir().iterdir()); one.write_bytes(one.read_bytes()[:-1])             # cut off: it is made again
        assert cached(picture_key(files, names, None), (5, 3, 8, 8), make).shape[0] == 5 and picture_key(files, names, [(0, 0, 4, 4)] * 5) != picture_key(files, names, None)



# cell 9b7f0251
def test_a_mapped_set_does_not_fill_memory():
    import pytest
    if "PYTEST_CURRENT_TEST" in os.environ and not Path("/proc/self/statm").is_file(): pytest.skip("only Linux tells the size of a process this way")
    if Path("/proc/self/statm").is_file():
        resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        with data_folder() as folder:
            last, before = np.full((3, 64, 64), 7, np.uint8), resident()
            images = cached("large", (30_000, 3, 64, 64), lambda: iter([(29_999, last)]))
            assert images[29_999].eq(7).all() and not images[0].any() and images.numel() > 368e6 and resident() - before < 60
