"""Checks of nbs/01d_bouncers.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Image as Shown
from PIL import Image
from functools import lru_cache
from pathlib import Path
from t2ibook.core import DataError, InputError, check_choice, derived_seed, real_data_dir
from t2ibook.core import generator
from t2ibook.pictures import picture_sheet, to_uint8
from t2ibook.worlds.base import World
from t2ibook.worlds.bouncers import (
    Bouncers,
    FREE,
    GLYPH,
    MOTIONS,
    MOTION_WORDS,
    NUMBER_WORDS,
    STEP,
    _pools,
    _upscaled,
    bounce,
    offsets,
    read_idx,
    read_motion,
    write_idx,
    write_motion,
)
from torch import Tensor
import gzip
import io
import math
import matplotlib.pyplot as plt
import numpy as np
import os
import random
import re
import tempfile
import time
import torch
import torch.nn.functional as F


# cell 29b35085
def test_idx_files_are_read_back_and_checked():
    with tempfile.TemporaryDirectory() as folder:
        file, array = Path(folder) / "x-idx3-ubyte.gz", np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
        write_idx(array, file)
        assert np.array_equal(read_idx(file), array)
        plain = gzip.decompress(file.read_bytes())
        assert plain[:8] == bytes([0, 0, 8, 3, 0, 0, 0, 2]) and len(plain) == 16 + 24
        for content, complaint in [(plain[:-5], "should hold 24 bytes"), (file.read_bytes()[:30], "cannot be read"), (b"<html>", "not an IDX file")]:
            file.write_bytes(content)
            try: read_idx(file); message = ""
            except DataError as error: message = str(error)
            assert complaint in message and "x-idx3" in message



# cell 1a00ec16
def test_bounce_equals_a_ball_that_is_reflected():
    for start, sign in [(0.05, -1), (0.5, 1), (0.93, 1), (0.31, -1)]:
        p, s, slow = start, sign, []
        for _ in range(30):
            slow.append(p)
            p += s * STEP
            if p < 0: p, s = -p, -s
            if p > 1: p, s = 2 - p, -s
        fast = bounce(torch.tensor([start], dtype=torch.float64), torch.tensor([sign]), 30)[0]
        torch.testing.assert_close(fast, torch.tensor(slow, dtype=torch.float64))



# cell d9167045
def test_the_old_rule_locks_in_and_the_clean_one_does_not():
    starts = (torch.arange(20_000) + 0.5) / 20_000
    sign = torch.where(torch.arange(20_000) % 2 == 0, 1, -1)
    walks = {rule: offsets(bounce(starts, sign, 16, rule), 36, rule) for rule in ("clean", "syncdraw")}
    assert len(torch.unique(walks["syncdraw"], dim=0)) == 75
    assert len(torch.unique(walks["clean"], dim=0)) > 300
    assert len(torch.unique(walks["clean"])) == 37
    late = offsets(bounce(starts, sign, 40, "syncdraw"), 36, "syncdraw")[:, 5:]      # every walk has met a wall by now
    assert torch.unique(late).tolist() == [0, 7, 14, 21, 28, 36]
    assert torch.equal(late[:, 11:], late[:, :-11])                    # one rhythm of eleven frames
    assert (late[:, 1:] == late[:, :-1]).any(1).all()                  # the stutter



# cell 9c7ea325
def test_read_understands_typed_sentences():
    assert read_motion("digit 6 is moving up and down.") == {"first": "6", "first_motion": "up and down", "second": "none", "second_motion": "none"}
    assert read_motion("Digit 7 moves left then right while digit three goes vertically") == {
        "first": "7", "first_motion": "left and right", "second": "3", "second_motion": "up and down"}
    assert read_motion("the digits 4 is moving left and right .")["first_motion"] == "left and right"        # the oldest wording
    assert read_motion("digit 5") == {"first": "5", "second": "none", "second_motion": "none"}
    assert read_motion("a horse, moving left") == {} and read_motion("") == {}



# cell 98620c0c
def test_frames_equal_pasting_by_hand():
    world = Bouncers()
    specs = world.specs(12, seed=1)
    clip = world.clip(specs)
    assert clip.shape == (12, 16, 3, 64, 64) and clip.min() == 0 and clip.max() <= 1
    for i in range(12):
        slow = torch.zeros(16, 64, 64)
        for who, shift in (("first", 0), ("second", 1)):
            digit = int(specs[who][i]) - shift
            if digit < 0: continue
            glyph = world.pools()[0][digit]
            glyph = glyph[int(specs[f"{who}_glyph"][i] * len(glyph))]
            walk = offsets(bounce(specs[f"{who}_start"][i:i + 1], specs[f"{who}_sign"][i:i + 1], 16), 36)[0].tolist()
            across = int(specs[f"{who}_across"][i] * 37)
            for t, p in enumerate(walk):
                x, y = (across, p) if specs[f"{who}_motion"][i] - shift == 1 else (p, across)
                slow[t, y:y + 28, x:x + 28] = torch.maximum(slow[t, y:y + 28, x:x + 28], glyph)
        assert torch.equal(clip[i, :, 0], slow)



# cell 1fa8b826
def test_the_caption_names_the_axis_that_moves():
    world = Bouncers(digits=1)
    specs = world.specs(40, seed=2)
    ink = world.clip(specs)[:, :, 0]
    axis = torch.arange(64.0)
    column, row = (ink.sum(2) * axis).sum(-1) / ink.sum((2, 3)), (ink.sum(3) * axis).sum(-1) / ink.sum((2, 3))     # centroids (B, T)
    moved = torch.stack([column.amax(1) - column.amin(1), row.amax(1) - row.amin(1)], 1)
    assert (moved.argmax(1) == specs["first_motion"]).all()
    assert moved.amin(1).max() < 1e-3 and moved.amax(1).min() > 20                # one axis stands still, the other crosses the frame
    steps = column.diff(dim=1).abs()[specs["first_motion"] == 0]
    assert steps.max() <= 8.01                                                    # never faster than 7.2 pixels, rounded



# cell b4a05503
def test_pictures_are_first_frames_at_any_size():
    world = Bouncers()
    specs = world.specs(6, seed=4)
    for size in (32, 64, 96):
        image, mask = world.draw(specs, size)
        assert image.shape == (6, 3, size, size) and mask.shape == (6, 1, size, size)
        assert torch.equal(image, world.clip(specs, size=size)[:, 0]) and torch.equal(image, world.draw(specs, size)[0])
        assert 0 <= image.min() and image.max() <= 1 and image.amax((1, 2, 3)).min() > 0.5
    one, two = world.sample(30, seed=1), world.sample(30, seed=1)
    assert torch.equal(one["image"], two["image"]) and one["captions"] == two["captions"]



# cell 0b3757e3
def test_pools_are_real_upright_and_apart():
    world = Bouncers()
    train, test = world.pools()
    assert sum(map(len, train)) == 1437 and sum(map(len, test)) == 360 and min(map(len, test)) >= 30
    ones, zeros = train[1].mean(0), train[0].mean(0)
    assert ones[:, 10:18].sum() > 0.6 * ones.sum()                    # a one is a stroke down the middle: not transposed
    assert zeros[11:17, 12:16].mean() < 0.3 < zeros.max()             # a zero is hollow
    flat = [torch.cat(pool).flatten(1) for pool in (train, test)]
    assert torch.cdist(flat[1], flat[0]).min() > 0                    # no picture is in both pools



# cell e1fd0dbe
def test_mnist_is_read_where_it_is_present():
    before = os.environ.get("T2IBOOK_DATA")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["T2IBOOK_DATA"] = folder
        try:
            try: Bouncers("mnist").pools(); message = ""
            except DataError as error: message = str(error)
            assert "there is no file" in message
            (Path(folder) / "mnist").mkdir()
            for part, n in (("train", 20), ("t10k", 10)):
                write_idx(np.full((n, 28, 28), 255, np.uint8), Path(folder) / f"mnist/{part}-images-idx3-ubyte.gz")
                write_idx(np.arange(n) % 10, Path(folder) / f"mnist/{part}-labels-idx1-ubyte.gz")
            assert [len(d) for d in Bouncers("mnist").pools()[0]] == [2] * 10 and Bouncers("mnist").pools()[1][3].max() == 1
            assert Bouncers("mnist").sample(2)["image"].shape == (2, 3, 64, 64)
        finally:
            if before is None: del os.environ["T2IBOOK_DATA"]
            else: os.environ["T2IBOOK_DATA"] = before



# cell 4dc4281a
def test_captions_tell_all_and_read_takes_it_back():
    for wording in ("paper", "free"):
        world = Bouncers(wording=wording)
        specs = world.specs(120, seed=3)
        for i, captions in enumerate(world.captions(specs, per_picture=4)):
            for caption in captions: assert world.read(caption) == world.values(specs, i), caption
    texts = {c.replace(" moving", "") for cs in Bouncers(digits=1).captions(Bouncers(digits=1).specs(400), per_picture=2) for c in cs}
    assert len(texts) == 15                                           # 20 less the five that are held out



# cell 0cb053da
def test_held_out_motions_leave_shape_and_motion_apart():
    for digits, train_size, test_size in ((1, 15, 5), (2, 225, 175), (None, 450, 350)):
        world = Bouncers(digits=digits)
        train, test = ({tuple(row) for row in world.combinations(split).tolist()} for split in ("train", "test"))
        assert not train & test and len(world.combinations("train")) == train_size and len(world.combinations("test")) == test_size
    held = Bouncers().held_out()
    assert held.sum() == 5 and held.sum(1).max() == 1 and held.sum(0).min() == 2
    half = (Bouncers().specs(2000, seed=1)["second"] == 0).float().mean()
    assert 0.45 < half < 0.55
    assert (Bouncers().specs(5, split="valid")["pool"] == 1).all() and (Bouncers().specs(5)["pool"] == 0).all()



# cell 741adfd6
def test_a_nearest_neighbour_reads_the_digits():
    train, test = Bouncers().pools()
    known, labels = torch.cat(train).flatten(1), torch.cat([torch.full((len(d),), k) for k, d in enumerate(train)])
    unknown, truth = torch.cat(test).flatten(1), torch.cat([torch.full((len(d),), k) for k, d in enumerate(test)])
    read = labels[torch.cdist(unknown, known).argmin(1)]
    accuracy = (read == truth).float().mean()
    assert accuracy > 0.95, accuracy



# cell 3bf3f6c8
def test_clips_are_cheap():
    world = Bouncers()
    specs = world.specs(64, seed=1)
    world.clip(specs, n_frames=1)                     # the pools are read once
    threads = torch.get_num_threads()
    torch.set_num_threads(1)              # one thread and processor time: other programs on the machine hardly matter
    start = time.process_time()
    world.clip(specs)
    seconds = time.process_time() - start
    torch.set_num_threads(threads)
    assert 64 / seconds > 100                         # on a quiet core it is several hundred
