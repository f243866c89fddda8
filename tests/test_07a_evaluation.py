"""Checks of nbs/07a_evaluation.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pathlib import Path
from t2ibook.core import InputError, atomic_path, generator
from t2ibook.datasets import Dataset, load_dataset
from t2ibook.datasets.digit_pairs import PairReader
from t2ibook.evaluation import (
    _retrieval,
    digit_accuracy,
    digit_reader,
    evaluate_pictures,
    evaluate_system,
    faithfulness,
    load_samples,
    named_tone,
    pair_faithfulness,
    real_samples,
    save_samples,
    tone_faithfulness,
)
from t2ibook.judge import JUDGED, Judge, accuracy, load_judge
from t2ibook.metrics import Score, diversity, judge_faithfulness, mean_picture, mean_score, mse, nearest_caption_baseline, ranks, ssim
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import picture_tensor, to_uint8, to_unit
from t2ibook.trying import complaint
from t2ibook.worlds import load_world
from t2ibook.worlds.base import SPLITS
from torch import Tensor
import json
import re
import tempfile
import torch


class Stripes:
    "A system whose pictures depend on caption and sample alone."
    def generate(self, captions, n=1, seed=0):
        return torch.stack([torch.rand(n, 3, 6, 6, generator=generator(seed, caption)) for caption in captions])


class Shows:
    "Not a network: shows pictures that it was given."
    def __init__(self, pictures): self.pictures = pictures
    def generate(self, captions, n=1, seed=0): return self.pictures[:len(captions), None].expand(-1, n, -1, -1, -1)


class KnowsTheColour:
    "A judge for tests: reads a digit's brightness as an attribute."
    attributes, sha256 = {"lightness": ("dark", "bright")}, "0"
    def read(self, pictures): return {"lightness": (pictures.mean((1, 2, 3)) > 0.5).long()}


class Lightness:
    "A world for tests: one attribute, read from the caption."
    name, attributes = "lightness", KnowsTheColour.attributes
    def read(self, caption): return {"lightness": word for word in caption.split() if word in ("dark", "bright")} and \
        {"lightness": next(word for word in caption.split() if word in ("dark", "bright"))}


# cell d3cb53c7
def test_the_digit_reader_reads_real_digits():
    train, test = load_dataset("digits", "train", size=32), load_dataset("digits", "test", size=32)
    score = digit_accuracy(test.images.float() / 255, test.labels, test, digit_reader(train))
    assert score.value == score.floor > 0.97
    assert digit_accuracy(test.images.float() / 255, (test.labels + 1) % 10, test, digit_reader(train)).value < 0.03



# cell e65c6d7f
def test_the_pair_reader_scores_pictures():
    class Sharp:
        "A reader that finds in a picture of one colour the digit of that brightness, alone and in its place."
        def right(self, pictures, attributes):
            first = (pictures.mean((1, 2, 3)) * 9).round().long() == attributes["first"]
            return {"first": first, "second": attributes["second"] == 0, "all": first}

    asked = {"first": torch.tensor([0, 3, 3, 9]), "second": torch.tensor([0, 0, 4, 0]), "template": torch.tensor([4, 5, 0, 6])}
    real = (asked["first"] / 9)[:, None, None, None].expand(-1, 3, 6, 6)
    scores = pair_faithfulness(real * torch.tensor([1, 1, 0, 1])[:, None, None, None], asked, real, Sharp(), "sharp")
    assert scores["faithfulness_first"].value == 0.75 and scores["faithfulness_first"].floor == 1.0 and scores["faithfulness_first"].protocol["chance"] == 0.25
    assert scores["faithfulness_second"].value == 0.0 and scores["faithfulness_second"].n == 1 and scores["faithfulness_all"].n == 4
    only_one = pair_faithfulness(real[:1], {k: v[:1] for k, v in asked.items()}, real[:1], Sharp(), "sharp")
    assert "faithfulness_second" not in only_one



# cell a7e10003
def test_gestures_and_shades_are_read_by_the_nearest_picture():
    assert named_tone("call me hand tone 3, gesture") == ("call me hand", 3) and named_tone("hand tone6") is None and named_tone("ringtone, tone 2") is None
    gen, names = generator(0, "tones"), [f"{g} tone {t}" for g in ("wave", "nose") for t in range(1, 6)] + ["ear tone 1", "cat"]
    bytes_ = (torch.rand(12, 3, 8, 8, generator=gen) * 255).byte()
    part = Dataset("emojione-tones", "train", bytes_, [[n, n + ", more"] for n in names], torch.zeros(12, dtype=torch.long), ["emoji"])
    said = ["wave tone 2, more", "nose tone 5", "nose tone 1", "ear tone 1", "cat"]
    drawn = bytes_[[1, 9, 8, 10, 11]].float() / 255                                # the third: the right gesture in another shade
    scores = tone_faithfulness(drawn, said, [part])
    assert scores["faithfulness_gesture"].value == 1.0 and abs(scores["faithfulness_shade"].value - 2 / 3) < 1e-9
    assert scores["faithfulness_gesture"].n == 3 and scores["faithfulness_gesture"].protocol["chance"] == 0.5
    assert tone_faithfulness(bytes_[5:6] / 255, said[:1], [part])["faithfulness_gesture"].value == 0.0
    assert tone_faithfulness(drawn[3:], said[3:], [part]) == {}



# cell f2a2370e
def test_samples_come_back_as_they_were_drawn():
    with tempfile.TemporaryDirectory() as folder:
        save_samples(Stripes(), ["a red bus", "ein größerer Bus", "c"], folder, n=2, seed=5)
        captions, pictures = load_samples({"folder": folder, "name": "stripes"})
        (Path(folder) / "samples.png").unlink()
        try: load_samples({"folder": folder, "name": "stripes"}); message = ""
        except InputError as error: message = str(error)
    assert captions == ["a red bus", "ein größerer Bus", "c"] and "kept no samples" in message
    assert (pictures - Stripes().generate(captions, 2, 5)).abs().max() < 0.51 / 255



# cell 357e5ee9
def test_real_samples_show_what_was_said_and_vary_the_rest():
    world = load_dataset("blossoms", "test", size=32, n=4, seed=0).world
    captions = ["a yellow flower at night", "a flower", "three red flowers with six heart shaped petals on sand"]
    pictures = real_samples(world, captions, 40, 32, seed=3)
    assert pictures.shape == (3, 40, 3, 32, 32) and torch.equal(pictures, real_samples(world, captions, 40, 32, seed=3))
    judge, spread = load_judge("blossoms"), diversity(pictures)
    for caption, shown in zip(captions, pictures):
        found = faithfulness(shown, [caption] * 40, world, judge) if world.read(caption) else {}
        for name, score in found.items(): assert score.value > 0.95, (caption, name)
    assert spread[1] > spread[0] > 0.05 and spread[1] > spread[2] > 0.02            # the less is said, the more is left open
    read = judge.read(pictures[1])
    assert all(len(read[name].unique()) > 1 for name in judge.attributes if name not in world.read(captions[1]))
    assert "has no picture of" in complaint(real_samples, world, ["a red flower with three round petals"], 2, 32)



# cell ab3c1cb2
def test_faithfulness_tells_right_from_wrong():
    captions = ["a dark picture", "a bright one", "dark", "bright"]
    pictures = torch.tensor([0.1, 0.9, 0.2, 0.8]).reshape(4, 1, 1, 1).expand(4, 3, 8, 8)
    assert faithfulness(pictures, captions, Lightness(), KnowsTheColour())["faithfulness"].value == 1
    wrong = faithfulness(pictures.flip(0), captions, Lightness(), KnowsTheColour(), {"lightness": 0.99})
    assert wrong["faithfulness_lightness"].value == 0 and wrong["faithfulness_lightness"].floor == 0.99



# cell 8c061725
def test_the_protocol_tells_good_from_bad():
    train, test = load_dataset("digits", "train", size=32, n=300), load_dataset("digits", "test", size=32)
    real = test.images.float() / 255
    right, other, grey = (evaluate_system(Shows(p), train, test, n=100) for p in (real, real.roll(1, 0), torch.full_like(real, 0.5)))
    assert right["mse"].value < 1e-12 and right["recall_1"].value == 1 and right["faithfulness_digit"].value > 0.97
    assert other["mse"].value > right["mse_mean_picture"].value and other["faithfulness_digit"].value < 0.3
    assert grey["recall_1"].value < 0.1 and right["diversity"].value == 0
