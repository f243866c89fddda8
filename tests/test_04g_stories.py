"""Checks of nbs/04g_stories.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image, ImageSequence
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from t2ibook.core import DataError, InputError, check_choice, derived_seed, real_data_dir
from t2ibook.datasets import Dataset, epoch_order, load_dataset
from t2ibook.folders import PICTURES, numbered
from t2ibook.pictures import MOST_PIXELS, read_picture
from t2ibook.pictures import picture_sheet
from t2ibook.stories import (
    CHARACTERS,
    CLIP,
    MOST_BYTES,
    MSVD,
    PORORO,
    Question,
    Scene,
    TEXTS,
    _animated,
    _check_counts,
    _clip,
    _decoded,
    _described,
    _frames,
    _json,
    _msvd_entries,
    _needed,
    _rows,
    _strips,
    _unpacked,
    check_story,
    clip_frames,
    count_scenes,
    find_file,
    load_sentences,
    msvd,
    msvd_clips,
    nearest_sentences,
    pororo,
    pororo_questions,
    pororo_scenes,
    story_dataset,
    story_split,
)
from t2ibook.text.language import NGram, perplexity
from t2ibook.text.tokens import Vocabulary
from t2ibook.text.tokens import tokenize
from t2ibook.trying import complaint, write_archive
from t2ibook.worlds import WORLDS, load_world
from t2ibook.worlds.base import SPLITS
from torch import Tensor
import csv
import gzip
import io
import json
import math
import matplotlib.pyplot as plt
import numpy as np
import os
import pytest
import re
import tarfile
import tempfile
import torch
import zlib


TINY = ('V_ep1,1,Pororo runs.\r\nV_ep1,1,"Pororo runs, and waves."\r\nV_ep1,2,Crong sleeps. It is night.\r\n'
        'V_ep1,3,"Eddy says\nhello."\r\nW_ep2,1,Loopy and Poby sing.\r\n')


def tiny_pororo(folder, text=TINY, strips=()):
    "A PororoSV tree: the caption list, and strips of four frames whose red channel counts up."
    Path(folder, "descriptions.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    for name in strips:
        path = Path(folder, name); path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.repeat(np.arange(4, dtype=np.uint8) * 60, 8)[:, None, None].repeat(8, 1).repeat(3, 2)).save(path)
    return folder


# cell 8032969a
def test_a_file_is_found_plain_and_packed():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pororo_qa"; folder.mkdir()
        assert find_file(folder, "qa.json") is None
        write_archive(folder / "pororo_qa.tar.gz", {"pororo_qa/README": b"x", "pororo_qa/qa.json": b"[1]"})
        content, where = find_file(folder, "qa.json")
        assert content == b"[1]" and where.endswith("pororo_qa.tar.gz: pororo_qa/qa.json")
        (folder / "qa.json.gz").write_bytes(gzip.compress(b"[2]"))
        assert find_file(folder, "qa.json")[0] == b"[2]"
        (folder / "pororo_qa").mkdir(); (folder / "pororo_qa/qa.json").write_bytes(b"[3]")
        assert find_file(folder, "qa.json")[0] == b"[3]"



# cell 9535dbd5
def test_one_flipped_byte_in_an_archive_is_noticed():
    text = "".join(f"V_ep1,{i},Pororo sees {i * 7919 % 1000} stars.\r\n" for i in range(1, 400)).encode()
    with tempfile.TemporaryDirectory() as name:
        path = write_archive(Path(name) / "a.tar.gz", {"a/descriptions.csv": text})
        whole = path.read_bytes()
        for place in (len(whole) // 3, len(whole) // 2, len(whole) - 6):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
            assert "a.tar.gz is damaged" in complaint(find_file, name, "descriptions.csv")
        path.write_bytes(whole[:len(whole) // 2])
        assert "a.tar.gz is damaged" in complaint(find_file, name, "descriptions.csv")



# cell 75f95305
def test_pororo_is_read_in_its_real_layout():
    with tempfile.TemporaryDirectory() as folder:
        scenes = pororo_scenes(tiny_pororo(folder, strips=["V_ep1/2.png", "W_ep2/1.png"]), whole=False)
        assert [s.name for s in scenes] == ["V_ep1/1", "V_ep1/2", "V_ep1/3", "W_ep2/1"] and scenes[0].captions == ("Pororo runs.", "Pororo runs, and waves.")
        assert scenes[2].captions == ("Eddy says hello.",)                              # a line break inside quotes is one blank
        assert [s.frames is not None for s in scenes] == [False, True, False, True]
        assert count_scenes(scenes) == {"captions": 5, "scenes": 4, "videos": 2}
        assert "has 5 captions, not 16,971" in complaint(pororo_scenes, folder)



# cell cb266d06
def test_the_first_wrong_line_of_pororo_is_named():
    cases = {"V_ep1,1,a\r\nV_ep1,2\r\n": "line 2 has 2 columns", 'V_ep1,1,"a\nb"\r\nV_ep1,2,  \r\n': "line 3 has an empty caption",
             "V_ep1,1,a\r\nV_ep1,zwei,b\r\n": "line 2: the scene number is 'zwei'", "../V,1,a\r\n": "line 1: '../V' cannot be the name",
             'V_ep1,1,a\r\nV_ep1,2,"b\r\n': "line 2 is not CSV", "V_ep1,1,a\r\nV_ep1,3,b\r\n": "V_ep1 has a scene 3 but no scene 2", "": "is empty",
             b"V_ep1,1,a\r\nV_ep1,2,caf\xe9\r\n": "line 2 is not UTF-8", "V_ep1,0,a\r\n": "scene number is '0'", "V_ep1,1,a\r\n\r\n": "line 2 has 0 columns"}
    for text, message in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            said = complaint(pororo_scenes, tiny_pororo(folder, text), whole=False)
            assert "descriptions.csv" in said and message in said, said
    with tempfile.TemporaryDirectory() as folder:
        assert "there is no descriptions.csv" in complaint(pororo_scenes, folder) and "there is no descriptions.csv" in complaint(pororo_scenes, f"{folder}/none")
        assert "V_ep1/9.png belongs to no scene" in complaint(pororo_scenes, tiny_pororo(folder, strips=["V_ep1/9.png"]), whole=False)



# cell 4536e801
def test_questions_are_read_and_checked():
    entry = {"qid": 0, "question": "Who runs?", **{f"answer{k}": f"number {k}" for k in range(5)}, "correct_idx": 3, "video_name": "V_ep1,", "supporting_num": "1"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "qa.json")
        path.write_text(json.dumps({"PororoQA": [entry]}))
        (question,) = pororo_questions(folder)
        assert question.answers[question.correct] == "number 3" and question.video == "V_ep1"
        for wrong, message in [({"correct_idx": 5}, "says that answer 5"), ({"answer2": " "}, "entry 1 has no answer2"), ({"question": None}, "has no question")]:
            path.write_text(json.dumps({"PororoQA": [entry, entry | wrong]})); assert message in complaint(pororo_questions, folder)
        path.write_text('{"PororoQA": [\n{"qid": 0,,'); assert "line 2 is not JSON" in complaint(pororo_questions, folder)
        path.write_text("[]"); assert "a list called PororoQA" in complaint(pororo_questions, folder)



# cell 5cd9041b
def test_msvd_is_read_from_both_lists():
    names = ["-4wsuPCjDBc_5_15", "abcdefghijk_0_9", "abcdefghijk_20_31"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "AllVideoDescriptions.txt").write_text("# a comment\n\n" + "".join(f"{n} a cat runs\n{n} a cat  is running.\n" for n in names))
        from_list = msvd_clips(folder)
        assert [s.name for s in from_list] == names and from_list[1].captions == ("a cat runs", "a cat is running.") and from_list[2].video == "abcdefghijk"
        listed = json.dumps([{"id": n, "caption": ["a cat runs", "a cat  is running."]} for n in names]).encode()
        Path(folder, "training_label.json.gz").write_bytes(gzip.compress(listed))
        assert msvd_clips(folder, whole=False) == from_list
        assert "has 6 captions, not 51,322" in complaint(msvd_clips, folder)
        Path(folder, "frames", names[1]).mkdir(parents=True)
        assert [s.frames is None for s in msvd_clips(folder, whole=False)] == [True, False, True]



# cell cffbd968
def test_the_first_wrong_entry_of_msvd_is_named():
    good = {"id": "abcdefghijk_0_9", "caption": ["a cat runs"]}
    cases = [([good, good], "entry 1: the clip abcdefghijk_0_9 is listed before"), ([good, {"id": "short_1_2", "caption": ["x"]}], "entry 1: 'short_1_2' is no name"),
             ([good | {"caption": ["x", " "]}], "caption 1 of abcdefghijk_0_9 is empty"), ([good | {"caption": []}], "has no caption"), ([3], "entry 0 is no object"),
             ([good | {"id": "abcdefghijk_9_9"}], "ends before it begins"), ({}, "must be a list"), ([], "is empty"), ([{"id": 3}], "is no name of a clip")]
    with tempfile.TemporaryDirectory() as folder:
        assert "there is no AllVideoDescriptions.txt" in complaint(msvd_clips, folder)
        path = Path(folder, "AllVideoDescriptions.txt")
        path.write_text("abcdefghijk_0_9 a cat\nabcdefghijk_0_9\n"); assert "line 2 has an empty caption" in complaint(msvd_clips, folder)
        path.write_bytes(b"# x\nabcdefghijk_0_9 caf\xe9\n"); assert "line 2 is not UTF-8" in complaint(msvd_clips, folder)
        for value, message in cases:
            Path(folder, "training_label.json").write_text(json.dumps(value)); assert message in complaint(msvd_clips, folder, whole=False), message
        Path(folder, "training_label.json").write_text('[{"id": 1}\n'); assert "line 2 is not JSON" in complaint(msvd_clips, folder)



# cell c0fa9ca5
def test_frames_are_cut_and_spread():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(tiny_pororo(name, strips=["V_ep1/1.png"]))
        reds = lambda path, frames: clip_frames(path, frames, 8)[:, 0, 4, 4].tolist()
        assert clip_frames(folder / "V_ep1/1.png", 3, 16).shape == (3, 3, 16, 16)
        assert reds(folder / "V_ep1/1.png", 4) == [0, 60, 120, 180] and reds(folder / "V_ep1/1.png", 1) == [120] and reds(folder / "V_ep1/1.png", 2) == [60, 180]
        Image.open(folder / "V_ep1/1.png").transpose(Image.Transpose.ROTATE_90).save(folder / "flat.png"); assert reds(folder / "flat.png", 4) == [0, 60, 120, 180]
        (folder / "clip").mkdir()
        for k in range(11): Image.new("RGB", (20, 10), (20 * k, 0, 0)).save(folder / f"clip/frame{k}.png")
        assert reds(folder / "clip", 11) == [20 * k for k in range(11)] and reds(folder / "clip", 1) == [100]      # 2 before 10
        frames = [Image.new("RGB", (9, 9), (50 * k, 0, 0)) for k in range(3)]
        frames[0].save(folder / "a.gif", save_all=True, append_images=frames[1:]); assert reds(folder / "a.gif", 3) == [0, 50, 100]
        (folder / "a.gif").write_bytes(b"GIF89a"); assert "a.gif cannot be decoded" in complaint(clip_frames, folder / "a.gif")
        (folder / "empty").mkdir(); assert "holds no frames" in complaint(clip_frames, folder / "empty")
        flat = folder / "flat.png"; flat.write_bytes(flat.read_bytes()[:60]); assert "flat.png cannot be decoded" in complaint(clip_frames, flat)



# cell 48d6e69b
def test_a_video_stays_together():
    scenes = [Scene(f"v{v}/{k}", f"v{v}", ("x",)) for v in range(300) for k in range(3)]
    for by in ("video", "scene"):
        parts = {split: story_split(scenes, split, by) for split in SPLITS}
        assert sorted(s.name for part in parts.values() for s in part) == sorted(s.name for s in scenes)
        assert 0.7 < len(parts["train"]) / 900 < 0.9 and 0.05 < len(parts["test"]) / 900 < 0.16
        shared = {s.video for s in parts["train"]} & {s.video for s in parts["test"]}
        assert (by == "video") == (not shared)
    assert story_split(scenes[:30], "train") == [s for s in story_split(scenes, "train") if s in scenes[:30]]      # a part of a copy keeps its sides
    assert "unknown way to split" in complaint(story_split, scenes, "train", "frame")



# cell b9498d1e
def test_a_story_is_a_data_set():
    text = "".join(f"V_ep{v},{k},Pororo and Eddy play number {k}.\r\nV_ep{v},{k},They play.\r\n" for v in range(20) for k in (1, 2))
    with tempfile.TemporaryDirectory() as folder:
        scenes = pororo_scenes(tiny_pororo(folder, text, [f"V_ep{v}/{k}.png" for v in range(20) for k in (1, 2)]), whole=False)
        train, test = (story_dataset("pororo", scenes, split, size=16) for split in ("train", "test"))
        batch = train.batch(torch.arange(2))
        assert batch["image"].shape == (2, 3, 16, 16) and batch["caption"] == ["Pororo and Eddy play number 1.", "Pororo and Eddy play number 2."]
        assert train.label_names == test.label_names and not set(train.labels.tolist()) & set(test.labels.tolist())
        assert {k for k, v in train.attributes.items() if v.all()} == {"pororo", "eddy"} and not train.attributes["crong"].any()
        assert len(story_dataset("pororo", scenes, "train", 8, n=3)) == 3
        assert all(len(c) == 1 for c in story_dataset("pororo", scenes, "train", 8, extra=False).captions)
        bare = [replace(s, frames=None) for s in scenes]
        assert "pororo has no frames in 'train'" in complaint(story_dataset, "pororo", bare, "train")



# cell 5f181804
def test_sentences_of_any_data():
    toons = load_sentences("toons", "valid", n=5)
    assert len(toons) == 10 and toons == load_sentences("toons", "valid", n=5) != load_sentences("toons", "train", n=5)
    digits = load_sentences("digits", "test", n=7)
    assert len(digits) == 7 and all(isinstance(s, str) for s in digits)
    assert "unknown data set" in complaint(load_sentences, "pororos") and "at least one" in complaint(load_sentences, "toons", n=0)



# cell 5bec8dce
def test_a_story_is_checked_frame_by_frame():
    with tempfile.TemporaryDirectory() as folder:
        tiny_pororo(folder, strips=["V_ep1/1.png", "V_ep1/2.png"])
        assert check_story("pororo", folder, whole=False) == {"captions": 5, "scenes": 4, "videos": 2, "with_frames": 2}
        cut = Path(folder, "V_ep1/2.png"); cut.write_bytes(cut.read_bytes()[:-30])
        assert "V_ep1/2.png cannot be decoded" in complaint(check_story, "pororo", folder, whole=False)
        assert "unknown story 'porroro'; did you mean 'pororo'?" == complaint(check_story, "porroro")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "AllVideoDescriptions.txt").write_text("abcdefghijk_0_9 a cat\n")
        frames = Path(folder, "frames/abcdefghijk_0_9"); frames.mkdir(parents=True)
        for k in range(3): Image.new("RGB", (8, 8), (k, 0, 0)).save(frames / f"{k}.png")
        assert check_story("msvd", folder) == {"captions": 1, "scenes": 1, "videos": 1, "with_frames": 1}
        (frames / "2.png").write_bytes(b"x"); assert "2.png is not a picture" in complaint(check_story, "msvd", folder)     # not the middle one



# cell e315dc9d
def test_likeness_is_the_formula():
    corpus, queries = ["Pororo runs.", "Crong runs and runs", "the sea is blue"], ["runs and waves", "the blue sea", "accordion"]
    words = [tokenize(c) for c in corpus]
    def slow_row(found):
        row = {w: found.count(w) * (1 + math.log((1 + 3) / (1 + sum(w in other for other in words)))) for w in found if any(w in o for o in words)}
        length = math.sqrt(sum(v * v for v in row.values())) or 1
        return {w: v / length for w, v in row.items()}
    slow = [[sum(slow_row(tokenize(q)).get(w, 0) * v for w, v in slow_row(c).items()) for c in words] for q in queries]
    where, cosine = nearest_sentences(queries, corpus, batch=2)
    torch.testing.assert_close(cosine, torch.tensor(slow, dtype=torch.double).max(1).values)
    assert where[:2].tolist() == [1, 2] and cosine[2] == 0 and abs(nearest_sentences(["SEA is the blue"], corpus)[1].item() - 1) < 1e-6



# cell fc6dfc8a
def test_the_real_files_have_their_counts():
    if "PYTEST_CURRENT_TEST" in os.environ and "T2IBOOK_DATA" not in os.environ: pytest.skip("T2IBOOK_DATA is not set")
    if os.environ.get("T2IBOOK_DATA") and (real_data_dir() / "pororo_qa").is_dir():
        scenes = pororo_scenes()
        assert count_scenes(scenes) == {"captions": 16_971, "scenes": 16_066, "videos": 183} and len(pororo_questions()) == 8_835
        assert {s.video for s in scenes} >= {q.video for q in pororo_questions()}
        assert count_scenes(msvd_clips()) == {"captions": 51_322, "scenes": 1_423, "videos": 1_102}
        assert check_story("pororo")["with_frames"] == 0
        assert "has no frames in 'test'; put strips" in complaint(pororo, "test")
        assert len(load_sentences("pororo", "all")) == 16_971 and len(load_sentences("msvd", "valid", n=10)) == 10
