"""Checks of nbs/01a_blossoms.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from t2ibook.pictures import picture_sheet
from t2ibook.worlds.base import Canvas, World, coverage, length, moved
from t2ibook.worlds.blossoms import (
    BACKGROUNDS,
    Blossoms,
    CENTRE_COLOURS,
    CLASHES,
    COLOUR_WORDS,
    DIRECTION_WORDS,
    MENTIONED,
    NUMBER_WORDS,
    PEOPLE_SAY,
    PETALS,
    PETAL_COLOURS,
    PETAL_SHAPES,
    PLACE_WORDS,
    SHAPES,
    SHAPE_WORDS,
    SIZE_WORDS,
    SPOKEN,
    SQUEEZE,
    TEST_SPECIES,
    _CENTRES,
    _COLOUR,
    _COUNT,
    _HABITS,
    _HUE,
    _MIDDLE,
    _NUMBER,
    _ONE,
    _OWN_MIDDLE,
    _PETALS,
    _column,
    _down,
    by_value,
    cloudy_sky,
    folded,
    heart_petal,
    lattice,
    meadow,
    mix,
    narrow_petal,
    nearest,
    night,
    noise,
    paint_flowers,
    paint_stems,
    places,
    pointed_petal,
    read_flower,
    reworded,
    round_petal,
    sand,
    scattered,
    soil,
    species_table,
    spotted,
    taken,
    write_flower,
)
from torch import Tensor
import math
import random
import re
import time
import torch
import torch.nn.functional as F


def petals_counted(mask, x, y, radius, steps=720):
    "How many times the mask begins on a circle of 0.7 of the radius about (x, y): one number per picture."
    angle = torch.arange(steps) / steps * 2 * math.pi
    ring = torch.stack([x[:, None] + 0.7 * radius[:, None] * torch.cos(angle), y[:, None] + 0.7 * radius[:, None] * torch.sin(angle)], -1)
    on = F.grid_sample(mask, ring[:, None], align_corners=False)[:, 0, 0] > 0.85
    return (on & ~on.roll(1, dims=1)).sum(1)


# cell 26de67a9
def test_a_hundred_and_two_different_species():
    table = species_table()
    assert len(table) == len(set(table)) == 102
    assert len({values[:3] for values in table.values()}) == 102                  # no two agree in colour, number and shape
    assert not any((colour, centre) in CLASHES for colour, _, _, centre, _ in table.values())
    assert all(size == "large" for _, number, _, _, size in table.values() if PETALS[number] > 6)



# cell e6e7b66b
def test_noise_is_repeatable_and_knows_no_size():
    seeds = torch.tensor([3, 4, 3])
    small, large = noise(seeds, 4, 4, 32), noise(seeds, 4, 4, 128)
    assert torch.equal(small[0], small[2]) and not torch.equal(small[0], small[1])
    assert torch.equal(noise(seeds[1:2], 4, 4, 32), small[1:2])                    # alone or in a batch
    shrunk = F.avg_pool2d(large[:, None], 4)[:, 0]
    assert (shrunk - small).abs().max() < 0.02
    values = lattice(torch.arange(50), 20, 20)
    assert 0 <= values.min() and values.max() < 1 and abs(values.mean() - 0.5) < 0.01



# cell 656e239a
def test_each_row_gets_its_function():
    which, x = torch.tensor([1, 0, 1, 2]), torch.arange(4.0)[:, None]
    got = by_value(which, [lambda x: x, lambda x: -x, lambda x: x * 10], x)
    assert got[:, 0].tolist() == [0.0, 1.0, -2.0, 30.0]



# cell 894c566a
def test_backgrounds_are_pictures_of_any_size():
    for paint in BACKGROUNDS.values():
        for size in (32, 100):
            picture = paint(torch.tensor([1, 2, 3]), size)
            assert picture.shape == (3, 3, size, size) and picture.min() >= 0 and picture.max() <= 1
        assert not torch.equal(picture[0], picture[1])
    means = torch.stack([paint(torch.arange(8), 32).mean((0, 2, 3)) for paint in BACKGROUNDS.values()])
    assert torch.pdist(means).min() > 0.15                                         # no two of them look alike



# cell 65babe85
def test_folding_finds_the_nearest_petal():
    gen = torch.Generator().manual_seed(0)
    u, v = torch.rand(2, 300, generator=gen) * 2 - 1
    for number in PETALS.values():
        along, across = folded(u, v, torch.tensor(float(number)))
        axes = [(math.cos(2 * math.pi * k / number), math.sin(2 * math.pi * k / number)) for k in range(number)]
        slow = torch.stack([u * c + v * s for c, s in axes]).max(0).values           # the axis that lies closest has the largest projection
        torch.testing.assert_close(along, slow, atol=1e-5, rtol=0)
        torch.testing.assert_close(length(along, across), length(u, v), atol=1e-5, rtol=0)



# cell b649a35b
def test_petals_stay_in_their_sector():
    gen = torch.Generator().manual_seed(1)
    along, across = torch.rand(2, 20_000, generator=gen) * torch.tensor([[1.3], [2.0]]) - torch.tensor([[0.0], [1.0]])
    for petal in PETAL_SHAPES:
        for number in (3, 5, 8, 12):
            half = torch.tensor(math.pi / number)
            inside = petal(along, across, half) < 0
            inside &= along > 0.5                                                  # nearer to the middle broad petals meet
            assert inside.any() and length(along, across)[inside].max() < 1.01
            assert torch.atan2(across, along)[inside].abs().max() < half + 0.01    # never reaches into the next sector



# cell 68f828c6
def test_the_drop_is_a_union_of_discs():
    half, sine = torch.tensor(math.pi / 5), 0.92 * math.sin(math.pi / 5)
    along, across = torch.meshgrid(torch.linspace(0.05, 1.2, 60), torch.linspace(-0.6, 0.6, 60), indexing="ij")
    places = torch.linspace(0, 1 / (1 + sine), 2000)                               # discs from the centre out to c, growing: (4)
    slow = (length(along[..., None] - places, across[..., None]) < places * sine).any(-1)
    fast = round_petal(along, across, half) < 0
    assert (slow != fast).float().mean() < 0.005



# cell 62b9f717
def test_flowers_do_not_overlap():
    n = 600
    gen = torch.Generator().manual_seed(0)
    specs = {"count": torch.arange(n) % 3, "size": torch.arange(n) // 3 % 2, "flip": torch.randint(0, 2, (n,), generator=gen) * 2.0 - 1}
    specs |= {name: torch.rand(n, generator=gen) * 2 - 1 for name in ("right", "low", "sway", "grow")}
    x, y, radius = places(specs)
    assert ((x < 5).sum(1) == specs["count"] + 1).all()
    for i, k in ((0, 1), (0, 2), (1, 2)):
        apart = length(x[:, i] - x[:, k], y[:, i] - y[:, k])
        assert (apart - 1.9 * radius)[(x[:, i] < 5) & (x[:, k] < 5)].min() > 0      # petals may touch at their tips, no more
    assert radius[specs["size"] == 0].max() < radius[specs["size"] == 1].min() - 0.03



# cell 763eb718
def test_colours_find_their_owner():
    assert read_flower("a red flower with five petals") == {"petal_colour": "red", "petals": "five", "count": "one"}
    assert read_flower("this flower is white with purple stamens in a green meadow") == {"petal_colour": "white", "centre": "purple", "background": "meadow"}
    assert read_flower("The petals are pink, and the flower's centre is green.") == {"petal_colour": "pink", "centre": "green"}
    assert read_flower("blue petals, brown in the middle, against the blue sky") == {"petal_colour": "blue", "centre": "brown", "background": "sky"}
    assert read_flower("three five-petaled purple flowers on golden sand") == {"petal_colour": "purple", "petals": "five", "count": "three", "background": "sand"}
    assert read_flower("a small 6-petaled flower, violet") == {"petal_colour": "purple", "petals": "six", "count": "one", "size": "small"}
    assert read_flower("a starry night sky") == {"background": "night"}
    assert read_flower("red and white petals") == read_flower("") == read_flower("ein Haus") == {}



# cell 2a705c33
def test_every_written_sentence_reads_back():
    rng, heard = random.Random(0), {"petals": PETALS, "shape": SHAPES, "centre": CENTRE_COLOURS, "size": ("small", "large"), "background": BACKGROUNDS,
                                    "count": ("one", "two", "three"), "direction": SPOKEN["direction"]}
    for _ in range(3000):
        stated = {"petal_colour": rng.choice(list(PETAL_COLOURS))} | {name: rng.choice(list(vs)) for name, vs in heard.items() if rng.random() < MENTIONED[name]}
        caption = write_flower(stated, rng)
        assert read_flower(caption) == stated, caption



# cell 6cb4ce75
def test_people_are_understood_and_the_world_is_left_alone():
    assert reworded("this flower has bright yellow petals and a dark centre") == "this flower has bright yellow petals and a brown centre"
    assert reworded("A small white flower, seen from the side") == "A small flower in white, seen from the side"
    assert reworded("two deep blue blossoms") == "two flowers in deep blue" and reworded("an orange flower") == "a flower in orange"
    assert reworded("a dark red flower with heart-shaped petals on dark soil") == "a flower in maroon with heart-shaped petals on dark soil"
    assert reworded("An orange bloom") == "A flower in orange" and reworded("an elephant") == "an elephant" and reworded("") == ""
    rng, heard = random.Random(1), {"petals": PETALS, "shape": SHAPES, "centre": CENTRE_COLOURS, "size": ("small", "large"), "background": BACKGROUNDS,
                                    "count": ("one", "two", "three"), "direction": SPOKEN["direction"]}
    for _ in range(3000):
        stated = {"petal_colour": rng.choice(list(PETAL_COLOURS))} | {name: rng.choice(list(vs)) for name, vs in heard.items() if rng.random() < MENTIONED[name]}
        caption = write_flower(stated, rng)
        assert reworded(caption) == caption                                          # nothing to mend in the world's own words
        people = caption.replace("flowers", "blossoms").replace("flower", "bloom")
        assert reworded(people) == caption and read_flower(reworded(f"a {stated['petal_colour']} flower"))["petal_colour"] == stated["petal_colour"]



# cell 0d123b86
def test_split_is_disjoint_and_leaves_no_value_unseen():
    blossoms = Blossoms()
    train, valid, test = (blossoms.combinations(split) for split in ("train", "valid", "test"))
    assert torch.equal(train, valid)
    assert (len(train), len(test)) == (82 * 45, 20 * 45)
    assert len(set(TEST_SPECIES)) == 20 and set(TEST_SPECIES) <= set(blossoms.species)
    assert not set(train[:, 0].tolist()) & set(test[:, 0].tolist())
    assert not {tuple(row[1:4].tolist()) for row in train} & {tuple(row[1:4].tolist()) for row in test}   # nor the same kind under another name
    for column, (name, values) in enumerate(blossoms.attributes.items()):
        assert name == "species" or set(train[:, column].tolist()) == set(range(len(values))), name



# cell e898f4c7
def test_petals_can_be_counted():
    blossoms, n = Blossoms(), 48
    number, shape = torch.arange(n) % 6, torch.arange(n) // 6 % 4
    keep = (number < 5) | (shape % 2 == 1)                                         # twelve petals are pointed or narrow
    for size in (64, 256):
        specs = blossoms.posed(n, seed=size, petals=number, shape=shape, size=1, count=0, direction=0, low=0.0)
        x, y, radius = places(specs)
        counted = petals_counted(blossoms.draw(specs, size)[1], x[:, 0], y[:, 0], radius)
        wanted = torch.tensor(list(PETALS.values()))[number]
        assert (counted == wanted)[keep].all(), size



# cell a6333c9a
def test_masks_are_exact():
    blossoms = Blossoms()
    specs = blossoms.specs(60, seed=4)
    image, mask = blossoms.draw(specs)
    other, same = blossoms.draw(specs | {"background": (specs["background"] + 1) % 5})
    assert torch.equal(mask, same)                                                 # the ground does not change the blossom
    inside = (mask == 1).expand_as(image)
    torch.testing.assert_close(image[inside], other[inside], atol=1e-6, rtol=0)    # and does not shine through it
    assert (image - other).abs().sum(1)[mask[:, 0] == 0].mean() > 0.1
    shrunk = F.avg_pool2d(blossoms.draw(specs, 256)[1], 4)
    assert (shrunk - mask).abs().mean() < 0.02



# cell a202b855
def test_repeatable_at_every_size():
    blossoms = Blossoms()
    for size in (32, 64, 100, 256):
        one, two = blossoms.sample(8, seed=1, size=size), blossoms.sample(8, seed=1, size=size)
        assert torch.equal(one["image"], two["image"]) and one["captions"] == two["captions"]
        assert one["image"].shape == (8, 3, size, size) and one["mask"].shape == (8, 1, size, size)
        assert -1 <= one["image"].min() and one["image"].max() <= 1 and 0 <= one["mask"].min() and one["mask"].max() <= 1
    specs = blossoms.specs(20, seed=3)
    alone = blossoms.draw({name: value[7:8] for name, value in specs.items()})[0]
    torch.testing.assert_close(alone[0], blossoms.draw(specs)[0][7], atol=1e-5, rtol=0)   # a picture does not depend on its neighbours



# cell 06f71329
def test_ten_captions_say_only_what_is_true():
    blossoms = Blossoms()
    specs = blossoms.specs(60, seed=9, split="test")
    for i, captions in enumerate(blossoms.captions(specs)):
        assert len(captions) == 10 and len(set(captions)) > 5
        values = blossoms.values(specs, i)
        for caption in captions:
            stated = blossoms.read(caption)
            assert "petal_colour" in stated and stated.items() <= values.items(), caption



# cell 63c04458
def test_hundreds_of_pictures_a_second():
    blossoms = Blossoms()
    threads, times = torch.get_num_threads(), []
    torch.set_num_threads(1)
    for _ in range(6):
        start = time.process_time()
        blossoms.sample(64)
        times.append(time.process_time() - start)
    torch.set_num_threads(threads)
    assert 64 / min(times) > 150      # the best of six on one thread: other work on the machine only slows us down
