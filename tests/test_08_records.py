"""Checks of nbs/08_records.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from t2ibook.core import (BookError, DataError, InputError, check_choice, clone_dir, notebooks_dir, published_dir, read_json, runs_dir, sha256,
                          typed_settings, write_json)
from t2ibook.records import (
    MOST_SAMPLE_BYTES,
    MOST_WEIGHT_BYTES,
    PROFILES,
    RECORD_KEYS,
    Run,
    RunError,
    _following,
    _in_few_colours,
    _thinned,
    _threads,
    check_parameters,
    check_record,
    compare,
    execute_training,
    find_record,
    hardware,
    notebook_parameters,
    other_fields,
    packages,
    peak_memory_bytes,
    processor,
    publish,
    published,
    record_name,
    revision,
    tolerance,
    training_notebooks,
    verify,
)
from unittest.mock import patch
import ast
import dataclasses
import json
import nbformat
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time


METRIC = {"faithful": {"value": 0.9, "spread": 0.01, "protocol": {"n": 100}}}
PARAMETERS = {"data": "toons", "profile": "smoke", "seed": 0}


def tiny_run(folder, value=0.9):
    "A run folder with the least that can be published."
    (Path(folder) / "weights.safetensors").parent.mkdir(parents=True, exist_ok=True)
    (Path(folder) / "weights.safetensors").write_bytes(b"weights")
    (Path(folder) / "system.json").write_text("{}")
    Image.new("RGB", (4, 4), "red").save(Path(folder) / "sheet.png")
    (Path(folder) / "log.jsonl").write_text('{"step": 5, "loss": 1.0}\n')
    metrics = {"faithful": METRIC["faithful"] | {"value": value}}
    return Run(folder, PARAMETERS).finish(system="imagination", data="toons", data_fingerprint="f", profile="smoke", seed=0, config={}, steps=5, images=160,
                                          training_seconds=2.0, weights_sha256=sha256(b"weights"), metrics=metrics)


# cell f6e4f0e1
def test_circumstances_are_complete_and_anonymous():
    assert {"python", "torch", "numpy"} <= set(packages())
    assert hardware()["cores"] >= 1 and hardware()["threads"] >= 1
    text = json.dumps([packages(), hardware(), revision()])
    assert platform.node() not in text or len(platform.node()) < 4
    assert peak_memory_bytes() > 10_000_000



# cell 626e6330
def test_a_record_has_every_key():
    with tempfile.TemporaryDirectory() as folder:
        record = tiny_run(folder)
        assert set(RECORD_KEYS) <= set(record) and record["images_per_second"] == 80 and read_json(Path(folder) / "record.json") == record
        for broken, complaint in [({k: v for k, v in record.items() if k != "seed"}, "lacks seed"),
                                  (record | {"metrics": {"fid": {"value": 3.0}}}, "'fid' needs")]:
            try: check_record(broken); message = ""
            except DataError as error: message = str(error)
            assert complaint in message
        (Path(folder) / "encoder").mkdir()
        for part, seconds in ((".", (300.0, 700.0)), ("encoder", (50.0, 20.0))):                 # the second was killed and went on
            (Path(folder) / part / "log.jsonl").write_text("".join(f'{{"step": {k}, "seconds": {s}}}\n' for k, s in enumerate(seconds)))
        for resume, before in ((True, 770.0), (False, 0.0)): assert before <= -Run(folder, PARAMETERS, resume).started + time.perf_counter() < before + 60



# cell d94c8d2d
def test_parameters_are_read_and_checked():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.ipynb"
        cell = nbformat.v4.new_code_cell('data = "toons"   # which\nseed = 0\nbeta = 1.0\nresume = False')
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
        try: notebook_parameters(path); message = ""
        except DataError as error: message = str(error)
        assert "0 cells tagged" in message
        cell.metadata["tags"] = ["parameters"]
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
        known = notebook_parameters(path)
        assert known == {"data": "toons", "seed": 0, "beta": 1.0, "resume": False}
    check_parameters({"seed": 3, "beta": 1}, known)
    for asked, complaint in [({"sede": 3}, "did you mean 'seed'"), ({"seed": "3"}, "must be of type int"), ({"seed": True}, "must be of type int")]:
        try: check_parameters(asked, known); message = ""
        except InputError as error: message = str(error)
        assert complaint in message



# cell dd1e0458
def test_other_fields_are_set_once():
    @dataclasses.dataclass
    class Sizes:
        code: int = 4
        loud: bool = False
        letters: tuple = (1, 2)
        beta: float = 0.5


    assert other_fields(Sizes(), "", ["seed"]) == ({}, "") and other_fields(Sizes(), "code=8,loud=true,beta=-2", ["seed"]) == ({"code": 8, "loud": True, "beta": -2.0}, "code8-loud-beta-2")
    for more, complaint in [("cod=8", "unknown field 'cod'; did you mean 'code'"), ("beta=1,code=8", "code is a parameter of its own"), ("letters=1", "unknown field"), ("loud", "NAME=VALUE")]:
        try: other_fields(Sizes(), more, ["seed", "code"] if "own" in complaint else []); message = ""
        except InputError as error: message = str(error)
        assert complaint in message, more



# cell a71d713f
def test_publishing_is_whole_and_the_better_profile_wins():
    with tempfile.TemporaryDirectory() as runs, tempfile.TemporaryDirectory() as book:
        tiny_run(runs)
        for profile in ("laptop", "gpu", "smoke"):
            record = read_json(Path(runs) / "record.json")
            write_json(Path(runs) / "record.json", record | {"profile": profile, "name": f"imagination-toons-{profile}"})
            publish(runs, book)
        assert [r["name"] for r in published(book)] == ["imagination-toons-gpu", "imagination-toons-smoke"]
        assert sorted(p.name for p in Path(book).iterdir()) == ["imagination-toons-gpu", "imagination-toons-smoke"]
        assert [p.name for p in publish(runs, book, figures_only=True).iterdir()] == ["record.json"]
        (Path(runs) / "samples.png").write_bytes(b"samples")
        assert sorted(p.name for p in publish(runs, book, figures_only=True).iterdir()) == ["record.json", "samples.png"]
        assert (publish(runs, book) / "samples.png").is_file()
        with patch.dict(publish.__globals__, MOST_SAMPLE_BYTES=3): assert not (publish(runs, book) / "samples.png").exists()
        with patch.dict(publish.__globals__, MOST_SAMPLE_BYTES=3): assert (publish(runs, book, figures_only=True) / "samples.png").is_file()
        for seed, kept in ((1, False), (0, True)):                                  # a repetition is counted and not looked at
            write_json(Path(runs) / "record.json", read_json(Path(runs) / "record.json") | {"seed": seed})
            assert (publish(runs, book, figures_only=True) / "samples.png").is_file() == kept
        with patch.dict(publish.__globals__, MOST_WEIGHT_BYTES=3):                  # too large to travel, but the figures may
            publish(runs, book, figures_only=True)
            try: publish(runs, book); message = ""
            except DataError as error: message = str(error)
            assert "too large to publish" in message
        (Path(runs) / "weights.safetensors").write_bytes(b"altered")
        try: publish(runs, book); message = ""
        except DataError as error: message = str(error)
        assert "not those of its record" in message and len(published(book)) == 2



# cell de2daaff
def test_comparison_is_exact_only_where_it_can_be():
    with tempfile.TemporaryDirectory() as folder:
        one, other = tiny_run(folder, 0.9), tiny_run(folder, 0.91)
    assert all(row["ok"] for row in compare(one, one)) and compare(one, one)[-1]["metric"] == "weights_sha256"
    assert [row["ok"] for row in compare(one, other)] == [False, True]                        # smoke, same machine: exact
    elsewhere = other | {"hardware": other["hardware"] | {"cores": 96}}
    assert [row["ok"] for row in compare(one, elsewhere)] == [True]                           # another machine: within 5 %
    assert not compare(one, elsewhere | {"metrics": {"faithful": METRIC["faithful"] | {"value": 0.5}}})[0]["ok"]
    assert not compare(one, elsewhere | {"metrics": {}})[0]["ok"]
