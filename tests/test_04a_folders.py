"""Checks of nbs/04a_folders.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from dataclasses import dataclass
from pathlib import Path
from t2ibook.core import DataError, InputError, atomic_path, check_choice, derived_seed
from t2ibook.folders import (
    Entry,
    PICTURES,
    _captions,
    _entry,
    _inside,
    _listed,
    _neighbours,
    _text,
    _word,
    folder_index,
    folder_split,
    numbered,
    read_pictures,
    write_folder,
)
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import read_picture, to_uint8
from t2ibook.trying import complaint
from t2ibook.worlds.base import SPLITS, World
import json
import numpy as np
import tempfile
import torch


def colour_file(path, colour, size=16):
    "Write one plain picture, making its folder."
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), colour).save(path)


# cell 70fbc04d
def test_both_forms_are_read():
    with tempfile.TemporaryDirectory() as folder:
        colour_file(f"{folder}/deep/b.jpg", "red"); colour_file(f"{folder}/a.png", "blue")
        Path(folder, "deep/b.txt").write_text("a red square\r\nnothing but red\r\n", encoding="utf-8-sig")
        Path(folder, "a.txt").write_text("ein blaues Quadrat – schön")
        assert [(e.file, e.captions) for e in folder_index(folder)] == [("a.png", ["ein blaues Quadrat – schön"]),
                                                                        ("deep/b.jpg", ["a red square", "nothing but red"])]
        rows = [{"file": "a.png", "caption": "blue", "attributes": {"hue": 3}}, {"file": "./a.png", "caption": "very blue", "attributes": {"hue": 3}}]
        Path(folder, "captions.jsonl").write_text("\n\n".join(map(json.dumps, rows)))
        (one,) = folder_index(folder)
        assert (one.file, one.captions, one.attributes, one.label) == ("a.png", ["blue", "very blue"], {"hue": "3"}, None)



# cell 079d31c5
def test_every_mistake_names_its_file():
    good = {"file": "images/0.png", "caption": "red"}
    lines = [({"file": "images/0.png"}, "images/0.png has no caption"), ({**good, "caption": "  "}, "images/0.png has an empty caption"),
             ({**good, "captions": []}, "images/0.png has no caption"), ({**good, "captions": ["red", 7]}, "must be text, not 7"),
             ({**good, "file": "../x.png"}, "../x.png lies outside the folder"), ({**good, "file": "/x.png"}, "/x.png lies outside"),
             ({**good, "file": "images/9.png"}, "there is no picture"), ({"caption": "red"}, "must be an object with a 'file'"), (7, "line 2 must be an object"),
             ({**good, "split": "dev"}, "split is 'dev'"), ({**good, "label": ["red"]}, "label must be a word"), ({**good, "attributes": "red"}, "attributes must be"),
             ({**good, "label": "warm"}, "another label"), ({**good, "file": "a\0.png"}, "cannot be the name"), ({**good, "file": "a" * 999}, "cannot be the name")]
    for row, words in lines:
        with tempfile.TemporaryDirectory() as folder:
            colour_file(f"{folder}/images/0.png", "red"); colour_file(f"{folder}/other/y.png", "red")
            Path(folder, "captions.jsonl").write_text(json.dumps(good) + "\n" + json.dumps(row) + "\n")
            message = complaint(folder_index, folder)
            assert words in message and "captions.jsonl, line 2" in message, (row, message)



# cell 42a7e5cc
def test_broken_files_are_named():
    with tempfile.TemporaryDirectory() as folder:
        assert "there is no folder" in complaint(folder_index, f"{folder}/nowhere")
        assert "holds no pictures" in complaint(folder_index, folder)
        colour_file(f"{folder}/images/0.png", "red"); colour_file(f"{folder}/images/1.png", "blue")
        assert "0.png has no caption; write one into 0.txt" in complaint(folder_index, folder)
        Path(folder, "images/0.txt").write_text("red"); Path(folder, "images/1.txt").write_text(" \n\n")
        assert "1.txt has an empty caption" in complaint(folder_index, folder)
        Path(folder, "images/1.txt").write_bytes(b"blue\nbl\xfcu")
        assert "1.txt is not UTF-8 in line 2" in complaint(folder_index, folder)
        jsonl, good = Path(folder, "captions.jsonl"), b'{"file": "images/0.png", "caption": "red"}\n'
        for line, words in [(b'{"file": "images/1.png", "caption": "blue"', "captions.jsonl, line 2 is not JSON"), (b'{"caption": "bl\xfcu"}', "not UTF-8 in line 2"),
                            (b"", "1.png has no caption; add a line"), (b'{"file": "images/1.png", "caption": "blue", "label": "cold"}', "0.png has no label"),
                            (b'{"file": "images/1.png", "caption": "blue", "attributes": {"hue": "cold"}}', "1.png has other attributes")]:
            jsonl.write_bytes(good + line)
            assert words in complaint(folder_index, folder), words



# cell 39864a95
def test_links_out_of_the_folder_are_refused():
    with tempfile.TemporaryDirectory() as outside, tempfile.TemporaryDirectory() as folder:
        colour_file(f"{outside}/x.png", "red")
        Path(folder, "x.png").symlink_to(f"{outside}/x.png"); Path(folder, "x.txt").write_text("red")
        assert "x.png lies outside the folder" in complaint(folder_index, folder)



# cell 6d8f62d0
def test_splits_are_stable_and_disjoint():
    entries = [Entry(f"{i:04}.png", ["x"]) for i in range(2000)]
    train, valid = folder_split(entries, "train"), folder_split(entries, "valid")
    assert len(train) + len(valid) == 2000 and not {e.file for e in train} & {e.file for e in valid}
    assert 150 < len(valid) < 250 and folder_split(entries, "test") == valid and folder_split(entries, "all") == entries
    assert folder_split(entries[:1000], "valid") == [e for e in valid if e.file < "1000.png"]      # newcomers move nobody
    for n in range(2, 12): assert folder_split(entries[:n], "train") and folder_split(entries[:n], "valid")
    named = [Entry("a.png", ["x"], split="test"), Entry("b.png", ["x"], split="train")]
    assert folder_split(named, "test") == named[:1] and folder_split(named, "valid") == []
    assert "b.png has no split" in complaint(folder_split, [named[0], Entry("b.png", ["x"])], "train")



# cell bddcf77b
def test_a_truncated_picture_is_named():
    with tempfile.TemporaryDirectory() as folder:
        noise = Image.effect_noise((64, 64), 80); noise.save(f"{folder}/whole.png")
        Path(folder, "cut.png").write_bytes(Path(folder, "whole.png").read_bytes()[:700]); Path(folder, "text.png").write_text("I am text")
        assert read_pictures([f"{folder}/whole.png"] * 2, 32).shape == (2, 3, 32, 32)
        assert "cut.png cannot be decoded" in complaint(read_pictures, [f"{folder}/whole.png", f"{folder}/cut.png"], 32)
        assert "text.png is not a picture" in complaint(read_pictures, [f"{folder}/text.png"], 32)



# cell cd2c5f83
def test_words_get_numbers_in_one_order():
    numbers, names = numbered(["rose", "aster", "rose"])
    assert numbers.tolist() == [1, 0, 1] and names == ["aster", "rose"]
    assert numbered(["10", "9"])[1] == ["9", "10"] and numbered(["rose"], ["aster", "rose"])[0].tolist() == [1]



# cell 367f2745
def test_what_was_written_is_read_back():
    images = torch.randint(0, 256, (3, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    sample = {"image": images / 127.5 - 1, "label": torch.tensor([0, 1, 0]), "captions": [["noise"], ["noise", "more noise"], ["naïve \u2028 noise"]],
              "attributes": {"grain": torch.tensor([2, 2, 5])}}
    with tempfile.TemporaryDirectory() as folder:
        write_folder(sample, folder)
        entries = folder_index(folder)
        assert [e.captions for e in entries] == sample["captions"]
        assert [(e.label, e.attributes["grain"]) for e in entries] == [("0", "2"), ("1", "2"), ("0", "5")]
        assert torch.equal(read_pictures([f"{folder}/{e.file}" for e in entries], 16).long(), images)
        assert "is not empty" in complaint(write_folder, sample, folder)
        Path(folder, "images/sheet.png").write_bytes(Path(folder, entries[0].file).read_bytes())
        assert "sheet.png has no caption" in complaint(folder_index, folder)
