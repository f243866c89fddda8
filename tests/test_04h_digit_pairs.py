"""Checks of nbs/04h_digit_pairs.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from collections import Counter
from functools import lru_cache
from matplotlib import pyplot as plt
from pathlib import Path
from t2ibook.core import InputError, check_choice, generator, real_data_dir
from t2ibook.datasets.base import DATASETS, DIGITS_CREDIT
from t2ibook.datasets.base import Dataset, load_dataset
from t2ibook.datasets.digit_pairs import (
    COMBINATIONS,
    INK,
    OUTSIDE,
    PairReader,
    RELATIONS,
    SENTENCES,
    TEMPLATES,
    _A,
    _B,
    _CORNER,
    _RANGES,
    _SPOTS,
    _WHERE,
    _WINDOWS,
    _classifier,
    _glyphs,
    _ink,
    banned_digits,
    corners,
    digit_pairs,
    digit_source,
    draw_pairs,
    held_out,
    resized,
    sentence_number,
    straightened,
    windows,
)
from t2ibook.datasets.mnist import CREDIT_MNIST
from t2ibook.pictures import picture_sheet
from t2ibook.text.tokens import Vocabulary, tokenize
from t2ibook.worlds.base import SPLITS
from torch import Tensor
import os
import tempfile
import time
import torch
import torch.nn.functional as F


def complaint(function, *arguments, **keywords):
    "The message of the input error that a call ends in, or nothing."
    try: function(*arguments, **keywords)
    except InputError as error: return str(error)
    return ""


class NoData:
    "Within the block there are no real data sets, and decoded pictures are kept in a folder that goes again."
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.new = {"T2IBOOK_DATA": self.folder.name, "T2IBOOK_CACHE": self.folder.name}
        self.before = {name: os.environ.get(name) for name in self.new}; os.environ.update(self.new)
    def __exit__(self, *_):
        for name, value in self.before.items(): os.environ.pop(name) if value is None else os.environ.update({name: value})
        self.folder.cleanup()


# cell d1e0bc03
def test_every_sentence_has_twelve_tokens():
    words = Counter(word for sentence in SENTENCES for word in sentence.split())
    assert len(words) == 22 and {len(sentence.split()) for sentence in SENTENCES} == {12} and len(set(SENTENCES)) == len(SENTENCES) == 4 * 100 + 4 * 10
    assert {len(tokenize(sentence)) for sentence in SENTENCES} == {11}                          # ours, without the stop
    tokens, lengths = Vocabulary.build(SENTENCES).encode(list(SENTENCES))
    assert tokens.shape == (440, 12) and set(lengths.tolist()) == {12} and len(Vocabulary.build(SENTENCES)) == 21 + 3
    k, a, b = COMBINATIONS.T
    assert torch.equal(sentence_number(k, a, b), torch.arange(440)) and set(b[k < 4].tolist()) == set(range(1, 11)) and not b[k > 3].any()
    assert SENTENCES[sentence_number(*torch.tensor([[1], [3], [10]]))[0]] == "the digit 9 is on the right of the digit 3 ."
    assert SENTENCES[sentence_number(*torch.tensor([[7], [2], [0]]))[0]] == "the digit 2 is at the bottom left of the image ."



# cell bc6b6b5a
def test_one_ban_is_enough():
    for seed in range(40):
        banned, slow = banned_digits(seed).tolist(), []
        for k, a, b in COMBINATIONS.tolist():
            if k <= 3: slow.append(a == banned[k * 2] or b - 1 == banned[k * 2 + 1])
            else: slow.append(a == banned[k + 4])
        assert held_out(banned_digits(seed)).tolist() == slow
    assert not held_out(torch.full((12,), 10)).any()                                                       # ten bans nothing
    assert int(held_out(torch.full((12,), 3)).sum()) == 4 * 19 + 4
    many = torch.cat([banned_digits(seed) for seed in range(1000)]).bincount(minlength=11)
    assert len(many) == 11 and ((many - 12_000 / 11).abs() < 5 * (12_000 / 11) ** 0.5).all() and torch.equal(banned_digits(7), banned_digits(7))



# cell 92678b22
def test_drawing_is_the_slow_loop():
    gen, n = generator(0), 300
    template, chance = torch.randint(8, (n,), generator=gen), torch.randint(15, (n, 4), generator=gen)
    first, second = (torch.randint(256, (n, 28, 28), generator=gen, dtype=torch.uint8) for _ in range(2))
    at = corners(template, chance)
    fast, seen = draw_pairs(first, second, template, at), {k: Counter() for k in range(8)}
    for i in range(n):
        k, canvas = int(template[i]), torch.zeros(60, 60, dtype=torch.uint8)
        (w, h), (w2, h2) = at[i].tolist()
        canvas[w:w + 28, h:h + 28] = first[i]
        if k < 4: canvas[w2:w2 + 28, h2:h2 + 28] = second[i]
        assert torch.equal(fast[i], canvas)
        seen[k][w, h, w2, h2] += 1
    for k, counts in seen.items():
        rows, columns, rows2, columns2 = (set(values) for values in zip(*counts))
        if k < 4: assert all(w == w2 if k < 2 else h == h2 for w, h, w2, h2 in counts)
        expected = [({16, 17, 18}, set(range(5)), {16, 17, 18}, set(range(28, 33)))] * 2 + [({0, 1, 2}, {16, 17, 18}, {30, 31, 32}, {16, 17, 18})] * 2
        if k < 4: assert (rows, columns, rows2, columns2) == expected[k]
        else: assert (rows, columns) == ({30, 31, 32} if k in (5, 7) else {0, 1, 2}, set(range(28, 33)) if k in (5, 6) else set(range(5)))



# cell 87999f2f
def test_splits_share_no_sentence_and_no_digit():
    novel = held_out(banned_digits())
    with NoData():
        data = {split: load_dataset("digit-pairs", split, 60, n=1500) for split in SPLITS}
        assert digit_source() == "digits" and data["train"].credit == DIGITS_CREDIT
        assert [len(load_dataset("digit-pairs", split)) for split in SPLITS] == [*DATASETS["digit-pairs"].pictures.values()] == [10_000, 1_000, 1_000]
        pools = {split: {g.numpy().tobytes() for g in _glyphs("digits", split, real_data_dir())[0]} for split in SPLITS}
    assert not novel[data["train"].labels].any() and not novel[data["valid"].labels].any() and novel[data["test"].labels].all()
    assert set(data["test"].labels.tolist()) == set(novel.nonzero()[:, 0].tolist())             # all of them
    assert not pools["train"] & pools["test"] and not pools["train"] & pools["valid"] and not pools["valid"] & pools["test"]
    for split, one in data.items():
        k, a, b = (one.attributes[name] for name in ("template", "first", "second"))
        assert one.images.shape == (1500, 3, 60, 60) and one.images.dtype == torch.uint8 and torch.equal(one.images[:, 0], one.images[:, 2])
        for i in range(0, 1500, 29):
            assert one.captions[i] == [TEMPLATES[k[i]].format(a=int(a[i]), b=int(b[i]) - 1)] == [one.label_names[one.labels[i]]]
            assert one.values(i) == {"first": str(int(a[i])), "second": "none" if k[i] > 3 else str(int(b[i]) - 1), "template": RELATIONS[k[i]]}



# cell 338a6f8a
def test_the_loop_of_the_authors_gives_the_same_set():
    with NoData():
        fast, (glyphs, labels, _) = digit_pairs("valid", n=150, seed=5), _glyphs("digits", "valid", real_data_dir())
    banned, gen, block, i = banned_digits().tolist(), generator(5, "digit-pairs", "valid"), 4096, 0
    k, ij, chance = (torch.randint(most, (block, *shape), generator=gen) for most, shape in [(8, ()), (len(glyphs), (2,)), (15, (4,))])
    for kind, (one, two), (r, c, r2, c2) in zip(k.tolist(), ij.tolist(), chance.tolist()):
        a, b = int(labels[one]), int(labels[two])
        if (a == banned[kind * 2] or b == banned[kind * 2 + 1]) if kind <= 3 else a == banned[kind + 4]: continue
        canvas = torch.zeros(60, 60, dtype=torch.uint8)
        if kind < 2: w, h, w2, h2 = 16 + r % 3, c % 5, 16 + r % 3, 28 + c2 % 5
        elif kind < 4: w, h, w2, h2 = r % 3, 16 + c % 3, 30 + r2 % 3, 16 + c % 3
        else: w, h = (30 if kind in (5, 7) else 0) + r % 3, (28 if kind in (5, 6) else 0) + c % 5
        canvas[w:w + 28, h:h + 28] = glyphs[one]
        if kind < 4: canvas[w2:w2 + 28, h2:h2 + 28] = glyphs[two]
        assert torch.equal(fast.images[i, 1], canvas) and fast.captions[i] == [TEMPLATES[kind].format(a=a, b=b)]
        if (i := i + 1) == 150: break
    assert i == 150



# cell 7f53f9f4
def test_seeds_fix_every_byte():
    with NoData():
        one, same, other = digit_pairs("train", n=300, seed=3), digit_pairs("train", n=300, seed=3), digit_pairs("train", n=300, seed=4)
        assert one.fingerprint == same.fingerprint != other.fingerprint and not torch.equal(one.labels, other.labels)
        longer = digit_pairs("train", n=5000, seed=3)
        assert torch.equal(longer.images[:300], one.images) and longer.captions[:300] == one.captions
        large, small = digit_pairs("train", 64, 300, 3), digit_pairs("train", 20, 300, 3)
        assert large.images.shape == (300, 3, 64, 64) and torch.equal(large.labels, one.labels)
        blocks = one.images[:, 0].float().view(300, 20, 3, 20, 3).mean((2, 4))
        assert (small.images[:, 0] - blocks).abs().mean() < 8 and small.images.shape[-1] == 20
        counts = longer.attributes["template"].bincount(minlength=8)
        share = 1 - held_out(banned_digits()).float().view(-1)[:400].view(4, 100).mean(1)           # of each template of two digits that is allowed
        assert (counts[:4] / counts[:4].sum() - share / share.sum()).abs().max() < 0.03 and len(digit_pairs(n=1)) == 1
        assert "unknown split" in complaint(digit_pairs, "dev") and "unknown source" in complaint(digit_pairs, source="svhn")



# cell f6dda3bc
def test_drawing_is_fast():
    with NoData():
        digit_pairs(n=10)                                                                         # reads the digits
        threads, rate = torch.get_num_threads(), 0
        torch.set_num_threads(1)
        try:
            for _ in range(3):
                start = time.process_time()
                digit_pairs(n=4000)
                rate = max(rate, 4000 / (time.process_time() - start))
        finally: torch.set_num_threads(threads)
        assert rate > 5000



# cell 649a27e6
def test_a_twin_sentence_tells_the_same_scene():
    k, a, b = COMBINATIONS[:400].T
    twin = [SENTENCES[i] for i in sentence_number(k ^ 1, a, b)]
    for one, other in zip(SENTENCES, twin):
        (p, q), (r, s) = ([w for w in text.split() if w.isdigit()] for text in (one, other))
        assert (p, q) == (s, r) and {*one.split(), *other.split()} >= ({"left", "right"} if "on" in one.split() else {"top", "bottom"})
    assert torch.equal(_RANGES[k], _RANGES[k ^ 1])                                                # the same places



# cell 20aa8515
def test_straightening_is_the_sum_over_pixels():
    gen = generator(1)
    ink = F.avg_pool2d(torch.rand(2, 30, 30, generator=gen), 5, 1, 2) * (torch.arange(30) > 8) * (torch.arange(30)[:, None] < 20)
    for i in range(2):
        pixels = [(float(ink[i, y, x]), y, x) for y in range(30) for x in range(30)]
        mass = sum(p for p, _, _ in pixels)
        my, mx = sum(p * y for p, y, _ in pixels) / mass, sum(p * x for p, _, x in pixels) / mass
        lean = sum(p * (x - mx) * (y - my) for p, y, x in pixels) / sum(p * (y - my)**2 for p, y, _ in pixels)
        def sample(row, column):
            "Between four pixels, black outside."
            r, c, value = int(row // 1), int(column // 1), 0.0
            for y, x in [(r, c), (r, c + 1), (r + 1, c), (r + 1, c + 1)]:
                if 0 <= y < 30 and 0 <= x < 30: value += float(ink[i, y, x]) * (1 - abs(row - y)) * (1 - abs(column - x))
            return value
        steps = [j - 11.5 for j in range(24)]
        slow = torch.tensor([[sample(my + v, mx + u + lean * v) for u in steps] for v in steps])
        slow = slow.view(12, 2, 12, 2).mean((1, 3)).flatten()
        torch.testing.assert_close(straightened(ink[i:i + 1])[0], slow / slow.max(), atol=2e-4, rtol=0)
    moved = straightened(ink.roll((2, -3), (1, 2)))                                                # place does not matter
    torch.testing.assert_close(moved, straightened(ink), atol=2e-3, rtol=0)
    torch.testing.assert_close(straightened(ink * 0.3), straightened(ink), atol=1e-4, rtol=0)      # nor does brightness
    assert not straightened(torch.zeros(2, 30, 30)).any()



# cell d3fe4f6d
def test_the_classifier_reads_digits_wherever_they_stand():
    with NoData():
        digits_of, least = _classifier("digits", 10_000, real_data_dir())
        glyphs, labels, _ = _glyphs("digits", "test", real_data_dir())
    ink = _ink(glyphs / 255)
    assert set(ink[ink > 0].tolist()) == {v for v in (glyphs / 255).unique().tolist() if v > INK} and 0 < least < ink.sum((1, 2)).min()
    assert (digits_of(ink) == labels).double().mean() > 0.95 and (digits_of(F.pad(ink, (9, 0, 0, 7))) == digits_of(ink)).double().mean() > 0.99



# cell 16b1eb19
def test_the_reader_reads_real_pictures():
    import pytest
    with NoData():
        reader, test = PairReader(), load_dataset("digit-pairs", "test", 60)
        small = reader.scores(test.images / 255, test.attributes)
    assert small["digits"] > 0.93 and small["place"] > 0.99 and small["all"] <= min(small["digits"], small["place"]) and small["first"] >= small["digits"]
    if "PYTEST_CURRENT_TEST" in os.environ and not os.environ.get("T2IBOOK_DATA"): pytest.skip("T2IBOOK_DATA is not set")
    if digit_source() == "mnist":
        reader, test = PairReader(), load_dataset("digit-pairs", "test", 60)
        assert test.credit == CREDIT_MNIST
        scores = reader.scores(test.images / 255, test.attributes)
        assert scores["digits"] > 0.95 and scores["place"] > 0.99
        assert abs(reader.scores(load_dataset("digit-pairs", "test", 64).images / 255, test.attributes)["digits"] - scores["digits"]) < 0.02



# cell bebfb554
def test_the_reader_sees_what_is_wrong():
    with NoData():
        reader, data = PairReader(), load_dataset("digit-pairs", "valid", 60, n=400)
        pictures, k = data.images / 255, data.attributes["template"]
        for shown in range(8):                                       # the picture of one template, the sentence of another
            rows = (k == shown).nonzero()[:20, 0]
            for asked in range(8):
                place = reader.read(pictures[rows], torch.full((len(rows),), asked))["place"].double().mean()
                assert (place > 0.95) == (shown == asked or shown < 4 and shown ^ 1 == asked) and not 0.1 < place < 0.95, (shown, asked, place)
        black = reader.read(pictures * 0, k)
        assert (black["first"] == -1).all() and not black["second"].any() and not black["place"].any()
        assert not reader.read(torch.ones_like(pictures), k)["place"].any()
        wrong = data.attributes | {"first": (data.attributes["first"] + 1) % 10}
        right, fault = reader.scores(pictures, data.attributes), reader.scores(pictures, wrong)
        assert fault["first"] < 0.05 and fault["second"] == right["second"] and fault["place"] == right["place"] and fault["digits"] < 0.05
        singles = data.subset((k > 3).nonzero()[:, 0])
        assert "second" not in reader.scores(singles.images / 255, singles.attributes)
        mixed = reader.right(pictures, data.attributes)
        two = k < 4
        assert right["second"] == mixed["second"][two].double().mean() and mixed["second"][~two].all()
        assert right["digits"] == (mixed["first"] & mixed["second"]).double().mean()
        assert "square pictures" in complaint(reader.read, pictures[:, 0], k) and "square pictures" in complaint(reader.read, pictures, k[:3])
