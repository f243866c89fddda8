"""Checks of nbs/06_metrics.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from dataclasses import asdict, dataclass, field
from t2ibook.core import InputError, check_choice, generator
from t2ibook.datasets import load_dataset
from t2ibook.metrics import (
    FEWEST,
    MEASURES,
    Measure,
    Score,
    _BOOT,
    _NET,
    _REAL,
    _enough,
    bootstrap_interval,
    diversity,
    frechet_distance,
    frechet_gaussians,
    inception_score,
    judge_faithfulness,
    kernel_distance,
    mean_picture,
    mean_score,
    mse,
    nearest_caption_baseline,
    ranks,
    real_against_real,
    real_diversity,
    retrieval,
    ssim,
)
from t2ibook.pictures import picture_sheet
from t2ibook.worlds.base import Canvas, capsule, disc
from torch import Tensor
import json
import math
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F


# cell f7f854c4
def test_ssim_agrees_with_loops():
    gen = torch.Generator().manual_seed(0)
    a, b = torch.rand(1, 3, 12, 12, generator=gen), torch.rand(1, 3, 12, 12, generator=gen)
    axis = torch.exp(-(torch.arange(11.0) - 5) ** 2 / (2 * 1.5**2)); axis = axis / axis.sum()
    window, values = axis[:, None] * axis[None], []
    for c in range(3):
        x, y = (F.pad(t[:, c:c + 1], (5, 5, 5, 5), mode="reflect")[0, 0] for t in (a, b))
        for i in range(12):
            for j in range(12):
                p, q = x[i:i + 11, j:j + 11], y[i:i + 11, j:j + 11]
                mean_p, mean_q = (window * p).sum(), (window * q).sum()
                var_p, var_q = (window * (p - mean_p) ** 2).sum(), (window * (q - mean_q) ** 2).sum()
                both = (window * (p - mean_p) * (q - mean_q)).sum()
                values.append((2 * mean_p * mean_q + 1e-4) * (2 * both + 9e-4) / ((mean_p**2 + mean_q**2 + 1e-4) * (var_p + var_q + 9e-4)))
    torch.testing.assert_close(ssim(a, b)[0], torch.stack(values).mean(), atol=1e-4, rtol=0)



# cell 423fa1a2
def test_pixel_measures_have_their_closed_forms():
    grey = lambda level: torch.full((2, 3, 16, 16), level)
    torch.testing.assert_close(mse(grey(0.2), grey(0.5)), torch.full((2,), 0.09))
    torch.testing.assert_close(ssim(grey(0.2), grey(0.5)), torch.full((2,), (2 * 0.2 * 0.5 + 1e-4) / (0.2**2 + 0.5**2 + 1e-4)), atol=1e-4, rtol=0)
    picture = torch.rand(300, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ssim(picture, picture), torch.ones(300))
    assert ssim(picture, picture.flip(0)).abs().max() < 0.3 and ssim(picture[:1], picture[1:2]).shape == (1,)



# cell 1e092fa9
def test_a_score_needs_its_protocol():
    protocol = {"reference": "digits", "reference_fingerprint": "0"}
    score = Score("ssi", 0.5, 10, 0.1, None, protocol)
    assert Score.from_json(json.loads(json.dumps(score.to_json()))) == score and score.higher_is_better
    assert str(score) == "SSI 0.5 ± 0.1 (n = 10)" and score.to_json()["spread_is"].startswith("half of the 95 %")
    for name, words in [("fid", "does not say: extractor, extractor_sha256, resize"), ("ssim", "did you mean 'ssi'?")]:
        try: Score(name, 1.0, 10, protocol=protocol); message = ""
        except InputError as error: message = str(error)
        assert words in message



# cell eda48e58
def test_the_bootstrap_finds_the_standard_error():
    values = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    low, high = bootstrap_interval(values, draws=2000)
    expected = 1.96 * values.std().item() / 2000**0.5                  # the textbook's interval of a mean
    assert abs((high - low) / 2 / expected - 1) < 0.08 and low < values.mean() < high
    assert bootstrap_interval(values) == bootstrap_interval(values) != bootstrap_interval(values, seed=1)
    low, high = bootstrap_interval(torch.tensor([0.0, 1.0]), weights=torch.tensor([0.0, 1.0]), draws=50)
    assert high == 1.0                                                 # a value of weight zero does not count
    low, high = bootstrap_interval(torch.full((9,), 0.2), weights=torch.arange(1.0, 10))
    assert abs(low - 0.2) < 1e-7 and abs(high - 0.2) < 1e-7            # equal values: no spread, whatever the weights



# cell aac57cf1
def test_diversity_agrees_with_loops_over_pairs():
    samples = torch.rand(3, 5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for caption, fast in zip(samples, diversity(samples)):
        pairs = [mse(caption[i:i + 1], caption[j:j + 1]) for i in range(5) for j in range(i)]
        torch.testing.assert_close(fast, torch.cat(pairs).mean().sqrt())                 # (4)
    assert diversity(samples[:, :1].expand(-1, 4, -1, -1, -1)).max() < 1e-6              # collapse is zero
    groups = torch.tensor([7, 7, 9, 7, 2, 2])
    torch.testing.assert_close(real_diversity(samples.flatten(0, 1)[:6], groups), torch.stack([diversity(samples.flatten(0, 1)[[4, 5]][None])[0],
                               diversity(samples.flatten(0, 1)[[0, 1, 3]][None])[0]]))



# cell 6f250520
def test_retrieval_agrees_with_sorting():
    scores = torch.randn(40, 60, generator=torch.Generator().manual_seed(0))
    relevant = torch.arange(40)
    slow = [sorted(row.tolist(), reverse=True).index(row[i].item()) + 1 for i, row in enumerate(scores)]
    assert ranks(scores, relevant).tolist() == slow
    found = retrieval(scores, relevant)
    assert found["R@5"] == sum(r <= 5 for r in slow) / 40 and found["Med r"] == (sorted(slow)[19] + sorted(slow)[20]) / 2
    assert retrieval(torch.eye(9), torch.arange(9)) == {"R@1": 1.0, "R@5": 1.0, "R@10": 1.0, "R@50": 1.0, "Med r": 1.0}
    assert retrieval(torch.zeros(9, 21), torch.arange(9)) == {"R@1": 0.0, "R@5": 0.0, "R@10": 0.0, "R@50": 1.0, "Med r": 11.0}   # no better than chance



# cell 0a31738e
def test_frechet_has_its_closed_forms():
    gen = torch.Generator().manual_seed(0)
    matrix = lambda: (lambda m: m @ m.T / 6)(torch.randn(6, 8, generator=gen, dtype=torch.float64))
    mean_a, mean_b, a, b = torch.randn(6, generator=gen), torch.randn(6, generator=gen), matrix(), matrix()
    general = (mean_a.double() - mean_b).square().sum() + a.trace() + b.trace() - 2 * torch.linalg.eigvals(a @ b).sqrt().real.sum()   # (7) as it stands
    assert abs(frechet_gaussians(mean_a, a, mean_b, b) - general.item()) < 1e-8
    assert abs(frechet_gaussians(mean_a, a, mean_b, b) - frechet_gaussians(mean_b, b, mean_a, a)) < 1e-8
    assert frechet_gaussians(mean_a, a, mean_a, a) < 1e-8
    assert abs(frechet_gaussians(mean_a, a, mean_a + 2, a) - 24) < 1e-4                               # equal covariances: distance of the means
    assert abs(frechet_gaussians(torch.zeros(2), torch.diag(torch.tensor([4.0, 9.0])), torch.zeros(2), torch.eye(2)) - 5) < 1e-8   # (2-1)² + (3-1)²



# cell 0fe57771
def test_frechet_of_samples_and_too_few_of_them():
    gen = torch.Generator().manual_seed(0)
    a, b = torch.randn(40_000, 4, generator=gen), 2 * torch.randn(30_000, 4, generator=gen) + 1
    assert abs(frechet_distance(a, b) - 8) < 0.2 and frechet_distance(a, a.flip(0)) < 1e-8
    for few, width in [(100, 4), (2047, 4), (2048, 2048), (1, 4)]:
        try: frechet_distance(torch.zeros(few, width), torch.zeros(5000, width)); message = ""
        except InputError as error: message = str(error)
        assert f"not {few:,}" in message
    assert frechet_distance(a[:100], a[100:200], force=True) > 0



# cell a3731733
def test_kernel_distance_agrees_with_loops_and_with_torchmetrics():
    from torchmetrics.image.kid import poly_mmd
    gen = torch.Generator().manual_seed(0)
    a, b = torch.randn(9, 4, generator=gen).double(), torch.randn(9, 4, generator=gen).double() + 0.5
    k = lambda x, y: ((x * y).sum().item() / 4 + 1) ** 3
    slow = sum(k(a[i], a[j]) + k(b[i], b[j]) for i in range(9) for j in range(9) if i != j) / 72 - 2 * sum(k(x, y) for x in a for y in b) / 81
    value, spread = kernel_distance(a, b, subsets=2, force=True)
    assert abs(value - slow) < 1e-9 and spread < 1e-9                     # all nine in each subset: nothing left to chance
    assert abs(value - poly_mmd(a, b).item()) < 1e-9
    c = torch.randn(6000, 4, generator=gen)
    value, spread = kernel_distance(c[:3000], c[3000:], subsets=30, subset_size=500)
    assert abs(value) < spread and kernel_distance(c[:3000], c[3000:], 30, 500) == (value, spread)
    try: kernel_distance(a, b); message = ""
    except InputError as error: message = str(error)
    assert "at least 1,000 samples, not 9" in message



# cell c13b0b8b
def test_the_floor_uses_disjoint_halves():
    seen = []
    real_against_real(lambda a, b: seen.append((a, b)) or 0.0, torch.arange(10.0)[:, None], 5)
    a, b = seen[0]
    assert sorted(torch.cat([a, b]).flatten().tolist()) == list(range(10))
    gen = torch.Generator().manual_seed(0)
    assert real_against_real(frechet_distance, torch.randn(5000, 3, generator=gen), 2500) < 0.02



# cell a78da9b8
def test_inception_score_at_its_ends_and_by_loops():
    sure, unsure = torch.eye(5).repeat(20, 1), torch.full((100, 5), 0.2)
    assert abs(inception_score(sure, splits=1)[0] - 5) < 1e-9 and abs(inception_score(unsure)[0] - 1) < 1e-9
    assert abs(inception_score(sure[:1].expand(100, 5))[0] - 1) < 1e-9                      # one class only: collapse
    p = torch.rand(60, 3, generator=torch.Generator().manual_seed(0)).softmax(1)
    mean = [sum(row[y].item() for row in p) / 60 for y in range(3)]
    slow = math.exp(sum(row[y].item() * math.log(row[y].item() / mean[y]) for row in p for y in range(3)) / 60)
    assert abs(inception_score(p, splits=1)[0] - slow) < 1e-6
    classes = torch.eye(5).repeat_interleave(200, 0)                                         # sorted by class: the shuffle saves the score
    assert inception_score(classes, splits=10)[0] > 4.5
    try: inception_score(p, splits=30); message = ""
    except InputError as error: message = str(error)
    assert "needs at least 120 samples, not 60" in message



# cell 5a81feaa
def test_faithfulness_counts_what_is_stated():
    attributes = {"colour": ("red", "green", "blue"), "side": ("left", "right")}
    stated = [{"colour": "red", "side": "left"}, {"colour": "blue"}, {"side": "right"}, {}]
    read = {"colour": torch.tensor([0, 1, 0, 2]), "side": torch.tensor([0, 1, 1, 0])}
    found = judge_faithfulness(stated, read, attributes)
    assert (found["right"], found["stated"], found["value"], found["captions"]) == (3, 4, 0.75, 3)
    assert abs(found["all_right"] - 2 / 3) < 1e-6 and abs(found["chance"] - (1 / 3 + 1 / 2 + 1 / 3 + 1 / 2) / 4) < 1e-6
    assert found["attributes"]["colour"]["share"] == 0.5 and found["attributes"]["side"] == {"right": 2, "stated": 2, "share": 1.0, "chance": 0.5}
    low, high = bootstrap_interval(torch.tensor([1.0, 0.0, 1.0, 0.0]), weights=torch.tensor([2.0, 1.0, 1.0, 0.0]))
    assert found["spread"] == (high - low) / 2                                                 # captions are resampled, weighted by what they state
    blind = {"colour": torch.randint(3, (600,), generator=torch.Generator().manual_seed(0)), "side": torch.zeros(600)}
    shuffled = judge_faithfulness([{"colour": c} for c in ["red", "green", "blue"] * 200], blind, attributes)
    assert abs(shuffled["value"] - 1 / 3) < 0.1 and 0.02 < shuffled["spread"] < 0.06            # pictures that ignore the caption
    for wrong in [[{"color": "red"}], [{"colour": "pink"}], [{}], [{"colour": "red"}] * 2]:
        try: judge_faithfulness(wrong, {"colour": torch.tensor([0]), "side": torch.tensor([0])}, attributes); refused = False
        except InputError: refused = True
        assert refused



# cell 112b07c7
def test_baselines_do_what_they_say():
    images = torch.randint(0, 256, (4, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    torch.testing.assert_close(mean_picture(images), images.double().mean(0).float() / 255)
    torch.testing.assert_close(mean_picture(images / 255), mean_picture(images))
    said = [["a red flower", "red petals"], ["a blue flower"], ["the bird is yellow", "a yellow bird"], ["a blue flower"]]
    drawn, chosen = nearest_caption_baseline(["blue flower", "one yellow bird", "petals in red", "nothing known"], said, images)
    assert chosen.tolist()[:3] == [1, 2, 0]
    torch.testing.assert_close(drawn[:3], images[[1, 2, 0]].float() / 255)



# cell c59dab62
def test_the_mean_minimises_the_squared_error():
    digits = load_dataset("digits", "train", size=16)
    train, rest = digits.images[:600] / 255, digits.images[600:1200] / 255
    average = mean_picture(train).expand_as(rest)
    assert mse(average, rest).mean() < mse(train, rest).mean() * 0.6                # about half: (5) says twice the variance against once
    assert diversity(average[None])[0] < 1e-6 < diversity(rest[None])[0]
