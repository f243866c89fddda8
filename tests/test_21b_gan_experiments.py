"""Checks of nbs/21b_gan_experiments.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from PIL import Image
from dataclasses import replace
from matplotlib import pyplot as plt
from pathlib import Path
from t2ibook.core import InputError, check_choice
from t2ibook.core import generator
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.evaluation import faithfulness, load_samples
from t2ibook.judge import load_judge
from t2ibook.layers import PictureEncoder
from t2ibook.metrics import diversity, ranks
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import to_signed, to_unit
from t2ibook.records import published
from t2ibook.reports import figure_values, markdown_table, paired_difference
from t2ibook.reports import seeds_table
from t2ibook.style import (
    DrawnPictures,
    FIGURES,
    NoiseEncoder,
    VARIANTS,
    WAYS,
    _agreement,
    between,
    by_variant,
    interpolate_captions,
    interpolate_noise,
    learn_noise_encoder,
    paint_from,
    pair_similarities,
    roc_curve,
    transfer_scores,
    transfer_style,
    value_changes,
    variants_table,
    verification_area,
    walk_shape,
)
from t2ibook.systems.gancls import GanCLS
from t2ibook.systems.gancls import GanCLSConfig
from t2ibook.systems.sentences import encode_captions
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import TrainConfig, read_log, train
from t2ibook.trying import complaint
from t2ibook.worlds import load_world
from torch import Tensor, nn
from torch.nn import functional as F
import math
import tempfile
import torch


WORDS = ["a", "red", "blue", "yellow", "flower", "with", "five", "petals", "on", "grass"]
SAID = ["a red flower", "a blue flower on grass", "a yellow flower with five petals"]


def small(**switches):
    "A tiny system with random weights whose batch norms have seen something, so that its pictures differ."
    torch.manual_seed(0)
    config = GanCLSConfig(image_size=16, latent=6, generator_channels=4, discriminator_channels=4, code=5, letters=(6, 6, 6), hidden=8,
                          wrong_from="batch")
    system = GanCLS(replace(config, **switches), Vocabulary(WORDS))
    gen = generator(0, "settle")
    with torch.no_grad():
        for _ in range(30): system.generator(torch.randn(64, 6, generator=gen), torch.randn(64, 8, generator=gen))
    return system.eval()


# cell 27b38e69
def test_given_noise_draws_what_generate_draws():
    for switches in ({}, {"noise": "uniform"}):
        system = small(**switches)
        noise = system.noise(SAID, n=2, seed=3)
        sentences = encode_captions(system, SAID).repeat_interleave(2, 0)
        drawn = paint_from(system, noise, sentences, batch=4)
        torch.testing.assert_close(drawn, system.generate(SAID, n=2, seed=3).flatten(0, 1), atol=1e-6, rtol=0)
    system.train()
    assert torch.equal(paint_from(system, noise, sentences, batch=4), drawn) and system.training
    assert "do not pair up" in complaint(paint_from, system, noise, sentences[:2])



# cell dfad1da4
def test_ways_are_the_formulas():
    a, b = torch.randn(2, 5, 7, generator=generator(0, "ends"), dtype=torch.float64)
    for way in WAYS:
        found = between(a, b, 5, way)
        assert found.shape == (5, 5, 7)
        torch.testing.assert_close(found[:, 0], a); torch.testing.assert_close(found[:, -1], b)
        for i in range(5):
            theta = math.acos(sum(x * y for x, y in zip(a[i].tolist(), b[i].tolist())) / (a[i].norm() * b[i].norm()))
            for k, t in enumerate((0, 0.25, 0.5, 0.75, 1)):
                p, q = (1 - t, t) if way == "linear" else (math.sin((1 - t) * theta) / math.sin(theta), math.sin(t * theta) / math.sin(theta))
                torch.testing.assert_close(found[i, k], p * a[i] + q * b[i])
    unit = between(F.normalize(a, dim=1), F.normalize(b, dim=1), 9, "spherical")
    torch.testing.assert_close(unit.norm(dim=2), torch.ones(5, 9, dtype=torch.float64))                   # stays on the sphere …
    arcs = (unit[:, 1:] * unit[:, :-1]).sum(2).acos()
    torch.testing.assert_close(arcs, arcs[:, :1].expand_as(arcs))                                         # … in equal steps
    torch.testing.assert_close(between(a, 2 * a, 3, "spherical"), between(a, 2 * a, 3))
    long = torch.randn(2, 4000, 64, generator=generator(0, "noise"))
    assert abs(between(*long, 3)[:, 1].square().sum(1).mean() / 64 - 0.5) < 0.01                          # (3)
    assert "two ends" in complaint(between, a, b, 1) and "way" in complaint(between, a, b, 3, "round")



# cell 595ea788
def test_walks_begin_and_end_with_pictures_of_generate():
    system, other = small(), SAID[1:] + SAID[:1]
    walk, drawn = interpolate_captions(system, SAID, other, 5, seed=2), system.generate(SAID, n=2, seed=2)
    assert walk.shape == (3, 5, 3, 16, 16)
    torch.testing.assert_close(walk[:, 0], drawn[:, 0], atol=1e-6, rtol=0)
    z, h = system.noise(SAID, 1, 2), [encode_captions(system, captions) for captions in (SAID, other)]
    torch.testing.assert_close(walk[:, -1], paint_from(system, z, h[1]), atol=1e-6, rtol=0)
    torch.testing.assert_close(walk[:, 2], paint_from(system, z, (h[0] + h[1]) / 2), atol=1e-5, rtol=0)      # the noise stays, the sentence is half-way
    for way in WAYS:
        walk = interpolate_noise(system, SAID, 5, way, seed=2)
        torch.testing.assert_close(walk[:, [0, -1]], drawn, atol=1e-5, rtol=0)
        z = between(*system.noise(SAID, 2, 2).unflatten(0, (3, 2)).unbind(1), 5, way)[:, 2]
        torch.testing.assert_close(walk[:, 2], paint_from(system, z, h[0]), atol=1e-5, rtol=0)
    assert "as many ends" in complaint(interpolate_captions, system, SAID, SAID[:1])



# cell 0ac5bee3
def test_walks_are_measured():
    x, y = torch.rand(2, 1, 3, 4, 4, generator=generator(0, "x"))
    fade = torch.stack([(1 - t) * x + t * y for t in torch.linspace(0, 1, 6)], 1)
    jump = torch.stack([x, x, x, y, y, y], 1)
    shape = walk_shape(torch.cat([fade, jump]))
    assert shape["onward"].tolist() == [1.0, 0.2] and torch.allclose(shape["straightness"], torch.ones(2, dtype=torch.double), atol=1e-6)
    torch.testing.assert_close(shape["largest"], torch.tensor([0.2, 1.0], dtype=torch.double), atol=1e-6, rtol=0)
    away = torch.stack([x, 2 * x - y, y], 1)                                # one step back, two steps forth: the second leads on, the first does not
    assert abs(walk_shape(away)["straightness"] - 1 / 3) < 1e-6 and walk_shape(away)["onward"] == 0.5
    rows = torch.rand(3, 5, 3, 4, 4, generator=generator(0, "rows"))
    far = lambda b, i, k: (rows[b, i] - rows[b, k]).norm()
    slow = [sum(far(b, k + 1, 0) > far(b, k, 0) and far(b, k + 1, 4) < far(b, k, 4) for k in range(4)) / 4 for b in range(3)]
    assert torch.allclose(walk_shape(rows)["onward"], torch.tensor(slow, dtype=torch.double))
    read = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 1], [0, 2, 2, 1], [0, 0, 0, 0], [2, 0, 1, 1]])
    found = value_changes(read, torch.zeros(5, dtype=torch.long), torch.ones(5, dtype=torch.long))
    assert {k: v.int().tolist() for k, v in found.items()} == {"ends": [1, 1, 1, 0, 0], "once": [1, 0, 0, 0, 0], "third": [0, 0, 1, 0, 0]}



# cell dcc43ba5
def test_the_loss_is_the_formula_and_the_generator_is_frozen():
    system = small()
    before = {k: t.clone() for k, t in system.state_dict().items()}
    drawn = DrawnPictures(system, SAID)
    batch = drawn.batch(torch.tensor([2, 0, 1, 2]), generator(0, "batch"))
    again = drawn.batch(torch.tensor([2, 0, 1, 2]), generator(1, "batch"))
    assert batch["image"].shape == (4, 3, 16, 16) and batch["caption"][0] == SAID[2] and not torch.equal(batch["noise"], again["noise"])
    torch.testing.assert_close(to_unit(batch["image"]), paint_from(system, batch["noise"], encode_captions(system, batch["caption"])), atol=1e-6, rtol=0)
    torch.manual_seed(0)
    encoder = NoiseEncoder(6, side=16, end_channels=8).eval()
    loss = encoder(batch, generator(0))["loss"]
    codes = encoder.encode(batch["image"]).tolist()
    slow = sum((z - s) ** 2 for noise, code in zip(batch["noise"].tolist(), codes) for z, s in zip(noise, code)) / (4 * 6)
    assert abs(loss.item() - slow) < 1e-6                                                                      # (6)
    loss.backward()
    assert all(p.grad is not None for p in encoder.players()["loss"]) and all(p.grad is None for p in system.parameters())
    learn_noise_encoder(system, SAID, steps=3, side=16, end_channels=8)
    assert all(torch.equal(t, before[k]) for k, t in system.state_dict().items()) and not system.training
    assert "(B, 3, S, S)" in complaint(encoder.style, torch.zeros(3, 16, 16))



# cell b111dba1
def test_noise_can_be_found_again():
    system = small()
    encoder, log = learn_noise_encoder(system, SAID * 20, steps=80, batch_size=32, side=16, end_channels=32, learning_rate=5e-3)
    untrained = NoiseEncoder(6, side=16, end_channels=32)(DrawnPictures(system, SAID).batch(torch.arange(3), generator(0)), generator(0))["loss"]
    assert log[-1]["loss"] < 0.3 * untrained
    noise = torch.randn(40, 6, generator=generator(9, "new"))
    pictures = paint_from(system, noise, encode_captions(system, ["a red flower with petals"] * 40))           # a sentence that it has not seen
    found = encoder.style(pictures)
    assert F.cosine_similarity(found, noise).mean() > 0.6 and abs(F.cosine_similarity(found, noise.roll(1, 0)).mean()) < 0.3
    again, _ = learn_noise_encoder(system, SAID * 20, steps=80, batch_size=32, side=16, end_channels=32, learning_rate=5e-3)
    assert torch.equal(again.style(pictures), found)                                                           # equal seeds, equal encoders
    large = F.interpolate(pictures, size=(32, 32))
    torch.testing.assert_close(encoder.style(large), found, atol=1e-4, rtol=0)                                 # pictures of any side



# cell 7d686605
def test_areas_are_shares_of_pairs_of_pairs():
    vectors, groups = torch.randn(24, 3, generator=generator(0, "v")).round(decimals=0), torch.arange(24) % 4
    vectors[vectors.norm(dim=1) == 0] = 1                                       # many ties
    similarity, same = pair_similarities(vectors, groups)
    assert len(similarity) == 24 * 23 // 2
    slow = [(F.cosine_similarity(vectors[i], vectors[k], dim=0).item(), bool(groups[i] == groups[k])) for i in range(24) for k in range(i + 1, 24)]
    torch.testing.assert_close(similarity, torch.tensor([s for s, _ in slow], dtype=torch.double), atol=1e-6, rtol=0)
    assert same.tolist() == [s for _, s in slow]
    similarity = similarity.round(decimals=6)
    wins = [(s > d) + 0.5 * (s == d) for s in similarity[same].tolist() for d in similarity[~same].tolist()]
    assert abs(verification_area(similarity, same) - sum(wins) / len(wins)) < 1e-9 and 0.5 in wins                # (7)
    clear = F.one_hot(groups, 4) + 0.01 * torch.randn(24, 4, generator=generator(0, "w"))
    assert verification_area(*pair_similarities(clear, groups)) == 1.0
    smooth, same = pair_similarities(torch.randn(80, 3, generator=generator(1, "v")) + F.one_hot(torch.arange(80) % 3), torch.arange(80) % 3)
    false, true = roc_curve(smooth, same, 1001)
    assert abs(torch.trapezoid(true, false).item() - verification_area(smooth, same)) < 0.01 and (false.diff() >= 0).all() and false[-1] == true[-1] == 1
    assert "pairs of one kind" in complaint(pair_similarities, vectors, torch.zeros(24))



# cell f9cc0c73
def test_style_and_content_are_told_apart():
    system = small()
    torch.manual_seed(0)
    encoder = NoiseEncoder(6, side=16, end_channels=8).eval()
    pictures = torch.rand(3, 3, 16, 16, generator=generator(0, "x"))
    drawn = transfer_style(system, encoder, pictures, SAID)
    torch.testing.assert_close(drawn, paint_from(system, encoder.encode(to_signed(pictures)).detach(), encode_captions(system, SAID)))      # (8)
    code = encoder.style(pictures)
    long = code * (6 ** 0.5 / code.norm(dim=1, keepdim=True))
    torch.testing.assert_close(transfer_style(system, encoder, pictures, SAID, stretch=True), paint_from(system, long, encode_captions(system, SAID)))
    assert "cannot lend" in complaint(transfer_style, system, encoder, pictures, SAID[:2])



# cell 914b6546
def test_shares_and_chance_are_counted():
    values = {"colour": ("red", "blue", "white"), "place": ("grass", "sand")}
    gen = generator(0, "scores")
    draw = lambda n: torch.randint(n, (40,), generator=gen)
    read, style = ({name: draw(len(words)) for name, words in values.items()} for _ in range(2))
    stated = [{"colour": values["colour"][int(k)]} | ({"place": "sand"} if u else {}) for k, u in zip(draw(3), draw(2))]
    found = transfer_scores(read, stated, style, values)
    unsaid = [i for i in range(40) if "place" not in stated[i]]
    kept = sum(read["place"][i].item() == style["place"][i].item() for i in unsaid) / len(unsaid)
    others = [read["place"][i].item() == style["place"][k].item() for i in unsaid for k in unsaid if i != k]
    assert abs(found["place"]["kept"] - kept) < 1e-9 and abs(found["place"]["chance_kept"] - sum(others) / len(others)) < 1e-9        # (9)
    right = sum(values["colour"][read["colour"][i]] == stated[i]["colour"] for i in range(40)) / 40
    assert abs(found["colour"]["right"] - right) < 1e-9 and found["colour"]["n_right"] == 40 and math.isnan(found["colour"]["kept"])
    assert found["place"]["n_right"] == 40 - len(unsaid) and found["place"]["n_kept"] == len(unsaid)



# cell 58eb6161
def test_the_table_is_that_of_the_records():
    def run_of(matching, interpolated, seed, value, **more):
        "A record with what the table looks at."
        metrics = {figure: {"value": value + 0.1 * k, "floor": None if figure == "diversity" else 0.95} for k, figure in enumerate(FIGURES)}
        return {"system": "gancls", "data": "blossoms", "profile": "laptop", "steps": 10, "seed": seed, "metrics": metrics, "folder": "nowhere",
                "config": {"matching": matching, "interpolated": interpolated}} | more
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "log.jsonl").write_text('{"step": 1, "collapsed": false}\n{"step": 2, "collapsed": true}\n')
        records = [run_of(True, True, 1, 0.5), run_of(True, True, 0, 0.3, folder=folder), run_of(False, True, 0, 0.2), {"system": "judge"}]
        lines = variants_table(records).splitlines()
    assert lines[0] == "|  | petal colour | background | all stated | diversity | alarm |"
    assert lines[2] == "| GAN-INT, 1 seed | 20.0% | 30.0% | 40.0% | 0.500 |  |"
    assert lines[3] == "| GAN-INT-CLS, 2 seeds | 40.0% ± 14.1% | 50.0% ± 14.1% | 60.0% ± 14.1% | 0.700 ± 0.141 | 1 of 1 |"
    assert lines[4] == "| real pictures | 95.0% | 95.0% | 95.0% | – |  |"
    assert "alarm" not in variants_table(records[:1])
    both = by_variant(records)["GAN-INT-CLS"]
    assert [r["seed"] for r in both] == [0, 1] and figure_values(both, "faithfulness") == [0.5, 0.7]
    assert "variant and seed only" in complaint(variants_table, [*records, run_of(True, False, 0, 0.5, steps=20)])
