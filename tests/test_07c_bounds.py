"""Checks of nbs/07c_bounds.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from contextlib import contextmanager
from statistics import mean, stdev
from t2ibook.bounds import (
    LIKELIHOODS,
    _asked,
    _averages,
    _batch,
    _choose,
    _likelihood,
    _measuring,
    _median,
    anchors,
    bound_after,
    bound_score,
    bounds_table,
    caption_retrieval,
    evaluate_bounds,
    floor_of,
    galleries,
    log_mean_exp,
    pair_bounds,
    pixel_log_likelihood,
    ssi_score,
)
from t2ibook.core import DataError, real_data_dir
from t2ibook.core import InputError, check_choice, generator
from t2ibook.datasets import Dataset
from t2ibook.datasets import load_dataset
from t2ibook.evaluation import evaluate_system
from t2ibook.layers import gaussian_kl, sample_gaussian
from t2ibook.metrics import Score, mean_picture, mean_score, ranks, ssim
from t2ibook.pictures import picture_sheet, to_signed
from t2ibook.pictures import to_unit
from t2ibook.records import published
from t2ibook.reports import markdown_table
from t2ibook.systems.base import Config, System
from t2ibook.text.tokens import Vocabulary
from torch import Tensor
from torch import nn
import math
import matplotlib.pyplot as plt
import re
import torch
import torch.nn.functional as F


class Cross(System):
    "A red row and a blue column, in light that one number decides. `blind` ignores the caption; `off` moves the posterior away from its best place."
    name = "cross"

    def __init__(self, likelihood=LIKELIHOODS[0], blind=False, off=0.0):
        super().__init__(Config(image_size=12), Vocabulary([*"123456", *"abcdef", "row", "column"]))
        self.likelihood, self.blind, self.off, self.gaussian = likelihood, blind, off, likelihood == "Gaussian density"
        maps = torch.zeros(len(self.vocabulary), 3, 12, 12)
        for i in range(6): maps[3 + i, 0, 2 * i:2 * i + 2], maps[9 + i, 2, :, 2 * i:2 * i + 2] = 2.0, 2.0
        self.words = nn.Parameter(maps.flatten(1))                                   # what each word adds to the picture
        self.light = nn.Parameter(torch.linspace(-0.6, 0.6, 12).expand(3, 12, 12).flatten())

    def start(self, tokens): return self.words[tokens].sum(1) * (not self.blind) - 1.0                # (B, 432)
    def mean(self, linear): return linear if self.gaussian else linear.sigmoid()

    def infer(self, batch, gen):
        "One step of Newton's method from z = 0: exact for the Gaussian (deviation 1/4), near enough for the Bernoulli."
        x, start = to_unit(batch["image"]).flatten(1), self.start(batch["tokens"])
        p = self.mean(start)
        weight, scale = (torch.full_like(p, 16.0), 16.0) if self.gaussian else (p * (1 - p), 1.0)
        precision = 1 + (weight * self.light**2).sum(1, keepdim=True)
        best = scale * (x - p) @ self.light[:, None] / precision + self.off
        z = sample_gaussian(best, -precision.log(), gen)
        return x, self.mean(start + z * self.light), gaussian_kl(best, -precision.log())

    def bound(self, batch, gen):
        x, p, kl = self.infer(batch, gen)
        if self.gaussian: return (-8 * (x - p) ** 2 - 0.5 * math.log(2 * math.pi / 16)).sum(1), kl
        return (x * p.log() + (1 - x) * (1 - p).log()).sum(1), kl

    def reconstruct(self, batch, gen):
        _, p, kl = self.infer(batch, gen)
        return p.unflatten(1, (3, 12, 12)), kl

    def noise_shape(self): return (1,)
    def decode(self, tokens, lengths, noise): return to_signed(self.mean(self.start(tokens) + noise * self.light)).unflatten(1, (3, 12, 12))


def crosses(n, seed=0, split="test"):
    "Crosses drawn by the model itself, then brought nearer to grey, each by its own factor, with a little noise: their floors differ."
    gen = generator(seed, "crosses", split)
    row, column = torch.randint(6, (2, n), generator=gen).tolist()
    said = [[f"row {'123456'[r]}, column {'abcdef'[c]}", f"column {'abcdef'[c]}, row {'123456'[r]}"] for r, c in zip(row, column)]
    system = Cross()
    with torch.no_grad(): drawn = to_unit(system.decode(*system.vocabulary.encode([s[0] for s in said]), torch.randn(n, 1, generator=gen)))
    factor = 0.4 + 0.6 * torch.rand(n, 1, 1, 1, generator=gen)
    drawn = 0.5 + factor * (drawn - 0.5) + 0.02 * torch.randn(drawn.shape, generator=gen)
    return Dataset("crosses", split, (drawn.clamp(0, 1) * 255).round().byte(), said, torch.arange(n), [str(i) for i in range(n)])


def unsharp(pictures, captions, strength=2.0):
    "The classic sharpener: what a blur takes away is added again, clipped to [0, 1]."
    blurred = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return (pictures + strength * (pictures - blurred)).clamp(0, 1)


def identity(pictures, captions): return pictures


# cell 06a91e8b
def test_the_likelihood_agrees_with_loops_and_is_best_at_the_picture():
    gen = generator(0, "pixels")
    x, p = torch.rand(2, 3, 4, 4, generator=gen), torch.rand(2, 3, 4, 4, generator=gen)
    for k in range(2):
        pairs = zip(x[k].flatten().tolist(), p[k].flatten().tolist())
        assert abs(pixel_log_likelihood(x, p)[k].item() - sum(a * math.log(b) + (1 - a) * math.log(1 - b) for a, b in pairs)) < 1e-4
    assert (floor_of(x) > pixel_log_likelihood(x, p)).all() and (floor_of(x) > pixel_log_likelihood(x, (x + 0.01).clamp(0, 1))).all()
    assert floor_of(x.round()).abs().max() == 0                                          # black and white costs nothing
    assert abs(floor_of(torch.full((1, 3, 32, 32), 0.5)).item() + 3072 * math.log(2)) < 1e-9
    assert pixel_log_likelihood(x, x.round()).isinf().all()                              # sure and wrong



# cell 1471000f
def test_anchors_agree_with_slow_predictions():
    x = torch.rand(3, 3, 16, 16, generator=generator(1, "anchors"))
    rows = {row["predictor"]: row for row in anchors(x)}
    slow = torch.empty_like(x)
    for n in range(3):
        for c in range(3):
            for i in range(0, 16, 4):
                for j in range(0, 16, 4): slow[n, c, i:i + 4, j:j + 4] = x[n, c, i:i + 4, j:j + 4].mean()
    assert abs(rows["4×4 block means"]["nats"] - pixel_log_likelihood(x, slow).mean().item()) < 1e-3
    assert abs(rows["grey"]["nats"] + 3 * 16 * 16 * math.log(2)) < 1e-6 and rows["the picture itself (floor)"]["above_floor"] == 0
    order = ["the picture itself (floor)", "8×8 block means", "4×4 block means", "its own mean colour", "grey"]
    assert [rows[name]["nats"] for name in order] == sorted((row["nats"] for row in rows.values() if row["predictor"] in order), reverse=True)
    assert abs(rows["the picture itself (floor)"]["ssi"] - 1) < 1e-5 and rows["noise"]["above_floor"] < 0
    black = torch.cat([torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16)])             # the other picture is sure and wrong
    assert {row["predictor"]: row["nats"] for row in anchors(black)}["another picture of the set"] == -math.inf
    for wrong in (x[:1], x[..., :12]):
        try: anchors(wrong); message = ""
        except InputError as error: message = str(error)
        assert "multiples of 8" in message



# cell 9e51b6f9
def test_the_bound_is_a_bound_and_exact_where_it_can_be():
    data, system = crosses(40), Cross("Gaussian density")
    about = bound_score(system, data, samples=100)
    captions = [c[0] for c in data.captions]                                             # both captions of a picture say the same
    x = (data.images / 255).flatten(1).double()
    with torch.no_grad(): start, a = system.start(system.vocabulary.encode(captions)[0]).double(), system.light.double()
    truth = torch.distributions.MultivariateNormal(torch.zeros(432).double(), torch.outer(a, a) + torch.eye(432) / 16).log_prob(x - start)
    assert abs(about["bound"].value - truth.mean().item()) < 0.08                        # exact posterior: equal, up to sampling
    assert abs(about["bound"].value - about["log_likelihood"].value + about["kl"].value) < 1e-9
    off = bound_score(Cross("Gaussian density", off=0.3), data, samples=100)["bound"]
    apart = 0.5 * 0.3**2 * (1 + 16 * (a**2).sum()).item()                                # KL from that q to the posterior
    assert apart > 2 and abs(truth.mean().item() - off.value - apart) < 0.25 and about["bound"].floor is None



# cell 127e97a6
def test_a_bernoulli_bound_stays_below_the_integral_and_the_floor():
    data, system = crosses(20), Cross()
    about = bound_score(system, data, samples=50)
    grid, x = torch.linspace(-6, 6, 601).double(), (data.images / 255).flatten(1).double()
    with torch.no_grad(): start, a = system.start(system.vocabulary.encode([c[0] for c in data.captions])[0]).double(), system.light.double()
    slow = []
    for k in range(20):
        p = (start[k] + grid[:, None] * a).sigmoid()                                     # (601, 432)
        joint = (x[k] * p.log() + (1 - x[k]) * (1 - p).log()).sum(1) - 0.5 * grid**2 - 0.5 * math.log(2 * math.pi)
        slow.append((joint.logsumexp(0) + math.log(12 / 600)).item())
    gap, apart = (sum(slow) / 20 - bound_score(Cross(off=off), data, samples=50)["bound"].value for off in (0.0, 0.3))
    assert abs(gap) < 0.05 and 0.3 < apart < 1.0                                         # nearly exact, and a posterior in the wrong place
    assert about["above_floor"].value < about["above_floor"].floor == 0
    torch.testing.assert_close(about["bound"].floor, floor_of(data.images / 255).mean().item())
    assert abs(about["bound"].value - about["bound"].floor - about["above_floor"].value) < 1e-6
    assert about["above_floor"].spread < 0.5 * about["bound"].spread                     # the floor is most of what differs



# cell 3162c192
def test_one_caption_or_all_and_clear_complaints():
    data, system = crosses(30), Cross()
    data.captions = [[*c, c[0] + " " + c[0]] for c in data.captions]                     # a third caption that overdoes it
    found = bound_score(system, data, n=7, captions="all", size=3)
    slow, rows = [], [(i, c) for i in range(7) for c in data.captions[i]]
    for i in range(0, 21, 3):
        tokens, lengths = system.vocabulary.encode([c for _, c in rows[i:i + 3]])
        batch = data.batch(torch.tensor([k for k, _ in rows[i:i + 3]])) | {"tokens": tokens}
        with torch.no_grad(): slow += [(a - b).item() for a, b in zip(*system.bound(batch, generator(0, "bound", i, 0)))]
    assert abs(found["bound"].value - sum(slow) / 21) < 1e-3 and found["bound"].n == 7
    assert abs(bound_score(system, data, n=7)["bound"].value - found["bound"].value) > 1 and system.training
    silent = Cross(likelihood="")
    cases = [(lambda: bound_score(silent, data), "give likelihood="), (lambda: bound_score(system, data, captions="some"), "unknown number of captions"),
             (lambda: bound_score(system, data, n=0), "at least one"), (lambda: bound_score(system, data, likelihood="Gauss"), "unknown likelihood")]
    for ask, words in cases:
        try: ask(); message = ""
        except InputError as error: message = str(error)
        assert words in message
    with torch.no_grad(): system.light.mul_(math.nan)
    try: bound_score(system, data); message = ""
    except InputError as error: message = str(error)
    assert "picture 0 of crosses is not finite" in message



# cell cd19b260
def test_sharpening_costs_what_it_should():
    data, system = crosses(60), Cross()
    plain, (none, mask) = bound_score(system, data, samples=2), (bound_after(system, sharpen, data, samples=2) for sharpen in (identity, unsharp))
    assert abs(plain["bound"].value - none["bound_after"].value) < 0.01                  # the same noise: only the clipping differs
    assert mask["bound_after"].value < plain["bound"].value - 5 and none["bound_after"].protocol["epsilon"] == 1 / 510
    sure = bound_after(system, lambda p, c: p.round(), data)
    assert sure["bound_after_control"].value < sure["bound_after"].value - 50            # epsilon decides
    x = data.images / 255
    batch = data.batch(torch.arange(60)) | {"tokens": system.vocabulary.encode([c[0] for c in data.captions])[0]}
    with torch.no_grad(): p, kl = system.reconstruct(batch, generator(0, "bound", 0, 0))
    assert pixel_log_likelihood(x, p.round()).isinf().any()                              # and without it there is no number
    slow = (pixel_log_likelihood(x, p.round().clamp(1 / 510, 1 - 1 / 510)) - kl).mean().item()
    assert abs(slow - sure["bound_after"].value) < 1e-3
    seen = []
    bound_after(system, lambda p, c: seen.extend(c) or p, data, n=5, captions="all")
    assert seen == [c for several in data.captions[:5] for c in several]
    for ask, words in [(lambda: bound_after(Cross("Gaussian density"), identity, data), "unknown likelihood of a bound after sharpening"),
                       (lambda: bound_after(system, identity, data, epsilon=0), "must lie between"),
                       (lambda: bound_after(system, lambda p, c: p[:, :1], data), "keep the shape")]:
        try: ask(); message = ""
        except InputError as error: message = str(error)
        assert words in message



# cell 549e7683
def test_pair_bounds_agree_with_a_double_loop():
    data, system = crosses(30), Cross()
    pictures, captions = torch.tensor([4, 17, 9, 22, 1]), ["row 2, column d", "column a", "row 6, column f"]
    fast = pair_bounds(system, data, pictures, captions, samples=5, seed=3, size=10)     # 2 samples at once, then 2, then 1
    a, sigmoid = system.light.detach().double(), torch.sigmoid
    for c, caption in enumerate(captions):
        for k, row in enumerate(pictures.tolist()):
            x, total = (data.images[row] / 255).flatten().double(), 0.0
            for s in range(5):
                first = s // 2 * 2
                noise = torch.randn(min(2, 5 - first) * 5, 1, generator=generator(3, "pairs", 4, first))[(s - first) * 5 + k, 0].double()
                start = system.words.detach()[system.vocabulary.encode([caption])[0][0]].sum(0).double() - 1
                precision = 1 + sum(sigmoid(v) * (1 - sigmoid(v)) * w * w for v, w in zip(start, a))
                m = ((x - sigmoid(start)) * a).sum() / precision
                p = sigmoid(start + (m + noise / precision.sqrt()) * a)
                total += (x * p.log() + (1 - x) * (1 - p).log()).sum() - 0.5 * (1 / precision + m * m - 1 + precision.log())
            assert abs(fast[c, k] - total / 5) < 2e-3
    several = pair_bounds(system, data, pictures, captions, samples=5, seed=3, size=2)   # blocks of pictures instead
    assert (several - fast).abs().max() < 3 and (several - fast).std() > 0               # other noise, the same bounds



# cell 5b042758
def test_a_blind_system_is_at_chance_exactly():
    data, blind = crosses(60), Cross(blind=True)
    nats = pair_bounds(blind, data, torch.arange(20), ["row 1", "row 2, column c", "column f, row 4"], samples=3)
    assert torch.equal(nats[0], nats[1]) and torch.equal(nats[0], nats[2]) and nats[0].std() > 1          # common random numbers
    scores = caption_retrieval(blind, data, n_captions=40, candidates=20, samples=2)     # two whole galleries
    for k in (1, 5, 10): assert scores[f"recall_bound_{k}"].value == k / 20 == scores[f"recall_bound_{k}"].protocol["chance"]
    assert scores["median_rank_bound"].value == scores["median_rank_ratio"].value == 10.5 == scores["median_rank_ratio"].protocol["chance"]
    assert scores["median_rank_ratio"].spread == 0 and scores["recall_ratio_10"].value == 0               # all tie



# cell 4cd76017
def test_retrieval_agrees_with_a_double_loop_and_sees_what_is_read():
    data, system = crosses(50), Cross()
    (pictures, asked), = galleries(50, 8, 12, seed=1)
    found = caption_retrieval(system, data, n_captions=8, candidates=12, samples=1, seed=1, others=5, at=(1, 3, 5))
    own, drawn = _choose(data, pictures[:8], 1, "asked", 0), torch.randperm(50, generator=generator(1, "other captions"))[:5]
    slow = {"bound": [], "ratio": []}
    def nats(caption, k):
        one = Cross()
        batch = data.batch(pictures) | {"tokens": one.vocabulary.encode([caption] * 12)[0]}
        with torch.no_grad(): a, b = one.bound(batch, generator(1, "pairs", int(pictures[0]), 0))
        return (a - b)[k].item()
    unrelated = _choose(data, drawn, 1, "other captions, chosen")
    of_picture = [math.log(sum(math.exp(nats(c, k) + 250) for c in unrelated) / 5) - 250 for k in range(12)]
    for q in range(8):
        values = {"bound": [nats(own[q], k) for k in range(12)]}
        values["ratio"] = [v - w for v, w in zip(values["bound"], of_picture)]
        for name, v in values.items(): slow[name].append(1 + sum(other > v[q] for other in v))
    for name in slow:
        for k in (1, 3, 5): assert found[f"recall_{name}_{k}"].value == sum(r <= k for r in slow[name]) / 8
        assert found[f"median_rank_{name}"].value == (sorted(slow[name])[3] + sorted(slow[name])[4]) / 2
    many = caption_retrieval(system, crosses(200), n_captions=100, samples=1)
    assert many["recall_ratio_5"].value > many["recall_bound_5"].value + 0.2 and many["median_rank_ratio"].value < 5



# cell 7279acf5
def test_galleries_hold_the_own_picture_and_distinct_others():
    found = galleries(50, 25, 10, seed=2)
    assert [asked for _, asked in found] == [10, 10, 5] and all(len(set(pictures.tolist())) == 10 for pictures, _ in found)
    assert len({i for pictures, asked in found for i in pictures[:asked].tolist()}) == 25
    assert sum(asked for _, asked in galleries(50, 80, 50, seed=0)) == 50 and not torch.equal(found[0][0], galleries(50, 25, 10, seed=3)[0][0])
    values = torch.tensor([[-1000.3, -2.0], [-1000.3, -1.0]]).double()
    assert log_mean_exp(values)[0] == values[0, 0] and abs(log_mean_exp(values)[1] - math.log((math.exp(-2) + math.exp(-1)) / 2)) < 1e-12
    for n, asked, candidates, words in [(5, 5, 6, "ask for 2 to 5"), (5, 5, 1, "ask for 2"), (5, 0, 3, "at least one")]:
        try: galleries(n, asked, candidates, 0); message = ""
        except InputError as error: message = str(error)
        assert words in message



# cell 42b57a19
def test_ssi_agrees_with_a_double_loop():
    data, system = crosses(20), Cross()
    score, slow = ssi_score(system, data, n=5, samples=3, seed=2, size=2), []
    for i, caption in enumerate(_choose(data, torch.arange(5), 2, "bound captions")):
        drawn = system.generate([caption], n=3, seed=2)[0]
        slow += [ssim(drawn[k:k + 1], data.images[i:i + 1] / 255).item() for k in range(3)]
    assert abs(score.value - sum(slow) / 15) < 1e-5 and score.n == 5 and score.protocol["samples_per_caption"] == 3
    assert ssi_score(Cross(blind=True), data, n=5, samples=3).value < score.value



# cell 6837a8c1
def test_evaluation_gathers_and_its_names_do_not_clash():
    train, test, system = crosses(60, split="train"), crosses(60), Cross()
    scores = evaluate_bounds(system, train, test, n=30, n_captions=10, samples=1, ssi_samples=2)
    wanted = {f"{name}_{split}" for name in ("bound", "log_likelihood", "kl", "above_floor") for split in ("train", "test")}
    wanted |= {f"recall_{kind}_{k}" for kind in ("bound", "ratio") for k in (1, 5, 10, 50)} | {"median_rank_bound", "median_rank_ratio", "ssi2"}
    assert set(scores) == wanted and not wanted & set(evaluate_system(system, train, test, n=20))
    assert all(score.to_json()["spread"] is not None and math.isfinite(score.value) for score in scores.values())
    assert scores["bound_test"].value == bound_score(system, test, n=30)["bound"].value and scores["recall_ratio_1"].protocol["candidates"] == 60



# cell 48f4e443
def test_the_table_reads_records():
    scores = evaluate_bounds(Cross(), crosses(60, split="train"), crosses(60), n=30, n_captions=10, samples=1, ssi_samples=2)
    metrics = {name: score.to_json() for name, score in scores.items()} | {"ssi50": scores["ssi2"].to_json()}
    records = [{"name": "cross-laptop", "profile": "laptop", "metrics": metrics}, {"name": "judge", "profile": "laptop", "metrics": {}}]
    records.append({"name": "cross-smoke", "profile": "smoke", "metrics": metrics | {"bound_after": {"value": -2042.314}}})
    lines = bounds_table(records).splitlines()
    assert len(lines) == 4 and len(bounds_table(records, profile="smoke").splitlines()) == 3
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells[0] == "`cross-laptop`" and cells[1] == f"{scores['recall_ratio_1'].value:.1%}" and cells[5] == f"{scores['median_rank_ratio'].value:g}"
    assert cells[8] == f"{scores['bound_test'].value:.2f}" and cells[9] == "–" and "| -2042.31 |" in lines[3]
    assert f"| {scores['recall_bound_1'].value:.1%} |" in bounds_table(records, score="bound").splitlines()[2]
    runs = [{"name": f"cross{seed}-laptop", "profile": "laptop", "metrics": {"bound_test": {"value": value}}} for seed, value in (("", -5.0), ("-seed1", -6.0), ("-seed2", -7.0))]
    assert "| `cross-laptop`, 3 seeds " in bounds_table(runs, seeds_together=True) and "| -6.00 ± 1.00 |" in bounds_table(runs, seeds_together=True)
    assert len(bounds_table(runs).splitlines()) == 5
    without = {"name": "game-laptop", "profile": "laptop", "metrics": {"ssi50": {"value": 0.08}}}
    assert bounds_table([without]).splitlines()[2] == "| `game-laptop` | – | – | – | – | – | 0.080 | – | – | – |"
