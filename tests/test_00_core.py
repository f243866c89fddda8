"""Checks of nbs/00_core.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from t2ibook.core import (
    BookError,
    DataError,
    InputError,
    WeightsError,
    _shipped,
    atomic_path,
    best_device,
    check_choice,
    clone_dir,
    derived_seed,
    generator,
    notebooks_dir,
    package_dir,
    published_dir,
    read_json,
    real_data_dir,
    runs_dir,
    seed_everything,
    sha256,
    typed_settings,
    write_json,
)
import hashlib
import json
import os
import tempfile
import torch


# cell bcb9e112
def test_check_choice():
    assert check_choice("toons", ["toons", "scenes"]) == "toons"
    try:
        check_choice("tons", ["toons", "scenes"], "data set")
        message = ""
    except InputError as error:
        message = str(error)
    assert message == "unknown data set 'tons'; did you mean 'toons'?"



# cell a43cf765
def test_settings_take_the_type_of_what_they_replace():
    known = {"beta": 0.5, "matching": True, "code": 128, "noise": "normal"}
    assert typed_settings([], known) == {}
    found = typed_settings(["beta=10", "matching=False", "code=96", "noise=a=b"], known)
    assert found == {"beta": 10.0, "matching": False, "code": 96, "noise": "a=b"} and type(found["beta"]) is float
    for wrong, expected in [("beta", "NAME=VALUE"), ("bta=1", "did you mean 'beta'?"), ("code=1.5", "code must be of type int"), ("matching=1", "type bool")]:
        try:
            typed_settings([wrong], known); message = ""
        except InputError as error:
            message = str(error)
        assert expected in message



# cell fa2a75f1
def test_named_generators_are_independent_and_repeatable():
    draw = lambda *key: torch.rand(4, generator=generator(*key))
    assert torch.equal(draw(0, "noise"), draw(0, "noise"))
    assert not torch.equal(draw(0, "noise"), draw(1, "noise"))
    assert not torch.equal(draw(0, "noise"), draw(0, "words"))
    assert derived_seed(0, "noise") == 3167248393504638810   # pinned: the same on every machine, for ever



# cell 3cb8af6b
def test_seeding_and_devices():
    seed_everything(3); first = torch.rand(2)
    seed_everything(3)
    assert torch.equal(first, torch.rand(2))
    assert best_device("cpu").type == "cpu"
    assert best_device().type in {"cpu", "mps", "cuda"}



# cell 591e1a03
def test_places_can_be_moved():
    assert (package_dir() / "core.py").is_file()
    assert clone_dir() is None or (clone_dir() / "nbs").is_dir()
    before = os.environ.get("T2IBOOK_RUNS")
    os.environ["T2IBOOK_RUNS"] = "elsewhere"
    moved = runs_dir()
    os.environ.pop("T2IBOOK_RUNS") if before is None else os.environ.update(T2IBOOK_RUNS=before)
    assert moved == Path("elsewhere")



# cell 57233379
def test_atomic_files_are_whole_or_absent():
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "deep" / "record.json"
        write_json(target, {"steps": 7})
        try:
            with atomic_path(target) as temporary:
                temporary.write_text("half a rec")
                raise KeyboardInterrupt       # the writer dies in the middle
        except KeyboardInterrupt:
            died = True
        assert died and read_json(target) == {"steps": 7}              # the old file is still whole
        assert [p.name for p in target.parent.iterdir()] == ["record.json"]   # and nothing half-written lies about



# cell c384d5f3
def test_unreadable_json_is_named():
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder) / "record.json"
        broken.write_text('{"steps": ')
        for path, expected in [(broken, "is not a JSON file"), (Path(folder) / "none.json", "there is no file")]:
            try:
                read_json(path); message = ""
            except DataError as error:
                message = str(error)
            assert expected in message and str(path) in message



# cell d60f3bc5
def test_sha256_of_bytes_and_files_agree():
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x"
        file.write_bytes(b"abc")
        assert sha256(file) == sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
