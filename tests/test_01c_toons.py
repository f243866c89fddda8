"""Checks of nbs/01c_toons.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Image as Shown
from PIL import Image
from collections import Counter
from t2ibook.core import InputError, derived_seed
from t2ibook.core import generator
from t2ibook.pictures import picture_sheet, to_uint8
from t2ibook.worlds.base import World, box, capsule, ellipse, union
from t2ibook.worlds.stage import PLACES, PROPS, Easel, Window, column, oval, paint_prop, smile, triangle
from t2ibook.worlds.toons import (
    ACTIONS,
    BESIDE,
    CAST,
    DARK,
    Figure,
    HEADS,
    HIP,
    NAMES,
    PLACE_WORDS,
    POINTERS,
    POSE,
    PROP_WORDS,
    SCENES,
    STREAK,
    THINGS,
    TOLD,
    Toons,
    VERBS,
    VERB_WORDS,
    WHERE,
    WHITE,
    paint_arms,
    paint_behind,
    paint_body,
    paint_dress,
    paint_ears,
    paint_eyes,
    paint_head,
    paint_in_front,
    paint_legs,
    paint_nose,
    paint_tail,
    poses,
    read_caption,
    write_caption,
)
from torch import Tensor
import io
import math
import random
import re
import time
import torch


def chosen(world, seed=0, **columns):
    "Specifications with the given attribute values; what is not given is the first value."
    n = max(map(len, columns.values()))
    specs = {name: torch.tensor([values.index(v) for v in columns.get(name, values[:1] * n)]) for name, values in world.attributes.items()}
    return specs | world.layout(specs, generator(seed, "chosen"))


# cell 4d8f036a
def test_poses_swing_about_their_rest():
    action, phase = torch.arange(len(ACTIONS)), torch.full((len(ACTIONS),), 0.15)
    rest, there, back = (poses(action, p) for p in (torch.zeros_like(phase), phase, -phase))
    torch.testing.assert_close((there + back) / 2, rest)
    torch.testing.assert_close(poses(action, phase + 1), there, atol=1e-5, rtol=0)
    assert there.shape == (7, len(POSE)) and len({tuple(row) for row in there.tolist()}) == 7



# cell e43d7fbd
def test_read_understands_typed_text():
    assert read_caption("pip is running") == {"character": "pip", "action": "running"}
    assert read_caption("There is a RED BALLOON. In the snow, lulu the rabbit hops with pip!") == {
        "prop": "balloon", "place": "snow", "character": "lulu", "friend": "pip", "action": "jumping"}
    assert read_caption("pip is with lulu. lulu stands beside pip. pip is asleep") == {"character": "pip", "friend": "lulu", "action": "sleeping"}
    assert read_caption("tika and bruno wave") == {"character": "tika", "friend": "bruno", "action": "waving"}
    assert read_caption("zaza is alone at home") == {"character": "zaza", "friend": "none", "place": "house"}
    assert read_caption("a green school bus") == {} and read_caption("") == {}



# cell 98f9b40f
def test_pictures_are_repeatable_at_any_size():
    toons = Toons()
    specs = toons.specs(6, seed=1)
    for size in (32, 64, 128):
        image, mask = toons.draw(specs, size)
        assert image.shape == (6, 3, size, size) and mask.shape == (6, 1, size, size)
        assert torch.equal(image, toons.draw(specs, size)[0])
        assert 0 <= image.min() and image.max() <= 1 and 0 <= mask.min() and mask.max() <= 1
    small = torch.nn.functional.avg_pool2d(toons.draw(specs, 128)[0], 2)
    assert (small - toons.draw(specs, 64)[0]).abs().mean() < 0.03            # the same picture, twice as large
    alone = toons.draw({k: v[2:3] for k, v in specs.items()})[0]
    torch.testing.assert_close(alone, toons.draw(specs)[0][2:3], atol=1e-5, rtol=0)   # a picture does not depend on its batch



# cell d120baf1
def test_every_attribute_changes_the_picture():
    toons = Toons()
    for name, values in toons.attributes.items():
        n = len(values)
        specs = {key: torch.zeros(n, dtype=torch.long) for key in toons.attributes}
        specs["friend"] += 6
        specs |= toons.layout({k: v[:1] for k, v in specs.items()}, generator(0, "same"))
        specs = {k: v.expand(n) if len(v) == 1 else v for k, v in specs.items()}
        specs[name] = torch.arange(n)
        flat = toons.draw(specs)[0].flatten(1)
        apart = torch.cdist(flat, flat) + 100 * torch.eye(n)
        assert apart.min() > 2, name                    # at least some 20 pixels, from black to white



# cell 5cd8f5ad
def test_masks_cover_figures_and_props():
    toons = Toons()
    one = chosen(toons, character=["pip"], prop=["none"])
    more = {k: v.clone() for k, v in one.items()}; more["prop"] += 1
    (image, mask), (other, larger) = toons.draw(one), toons.draw(more)
    assert 0.10 < mask.mean() < 0.35 and larger.mean() > mask.mean() + 0.01
    changed = (image - other).abs().sum(1, keepdim=True) > 0.9          # where the ball was added, its shadow aside
    assert (larger[changed] > 0.3).float().mean() > 0.95



# cell c2f686a5
def test_captions_are_true():
    toons = Toons()
    for i, captions in enumerate(toons.captions(specs := toons.specs(150, seed=5), per_picture=6)):
        values = toons.values(specs, i)
        for caption in captions:
            read = toons.read(caption)
            assert read.items() <= values.items(), caption
            assert read["character"] == values["character"]
            assert values["friend"] == "none" or read["friend"] == values["friend"], caption
            assert caption == caption.lower() and len(caption.split()) <= 40



# cell b1127f1a
def test_captions_leave_things_out_at_known_rates():
    toons, rng, told, n = Toons(), random.Random(0), Counter(), 3000
    values = {"character": "pip", "friend": "none", "action": "running", "place": "snow", "prop": "cake"}
    texts = [toons.write(values, rng) for _ in range(n)]
    for text in texts: told.update(toons.read(text).keys())
    assert told["character"] == n
    for name, rate in {"action": 0.90, "place": 0.85, "prop": 0.80, "friend": 0.20}.items(): assert abs(told[name] / n - rate) < 0.03, name
    assert "pip is running" in texts and len(set(texts)) > 1000



# cell 17785460
def test_held_out_triples_leave_all_pairs_in_training():
    toons = Toons()
    train, test = toons.combinations("train"), toons.combinations("test")
    triples = lambda table: {tuple(row) for row in table[:, [0, 2, 3]].tolist()}
    assert not triples(train) & triples(test) and len(triples(train) | triples(test)) == 6 * 7 * 6
    assert 0.13 < len(triples(test)) / 252 < 0.20 and len(train) + len(test) == 6 * 6 * 7 * 6 * 5
    assert torch.equal(toons.combinations("valid"), train)
    for i in range(5):
        for j in range(i):
            assert {tuple(r) for r in test[:, [j, i]].tolist()} <= {tuple(r) for r in train[:, [j, i]].tolist()}
    assert (train[:, 1] != train[:, 0] + 1).all()



# cell d6ef0265
def test_a_clip_starts_with_the_picture_and_moves():
    toons = Toons()
    specs = chosen(toons, character=["lulu"] * 7, action=list(ACTIONS))
    clip = toons.clip(specs, n_frames=6, size=32)
    assert clip.shape == (7, 6, 3, 32, 32)
    torch.testing.assert_close(clip[:, 0], toons.draw(specs, 32)[0], atol=1e-4, rtol=0)
    moving = (clip[:, 0] - clip[:, 3]).abs().mean((1, 2, 3))
    assert (moving > 0).all() and moving[1] > moving[0] and moving[2] > moving[0]      # running and jumping move more than standing



# cell 5b1f7ad9
def test_hundreds_of_pictures_a_second():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)              # one thread and processor time: other programs on the machine hardly matter
    toons, best = Toons(), 1e9
    specs = toons.specs(256, seed=1)
    for _ in range(4):
        start = time.process_time(); toons.draw(specs)
        best = min(best, time.process_time() - start)
    torch.set_num_threads(threads)
    assert 256 / best > 400
