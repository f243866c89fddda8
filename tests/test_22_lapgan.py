"""Checks of nbs/22_lapgan.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from dataclasses import dataclass
from dataclasses import replace
from matplotlib import pyplot as plt
from t2ibook.adversarial import discriminator_loss, generator_loss, mean_outputs
from t2ibook.core import InputError, check_choice, generator
from t2ibook.datasets import Dataset
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.layers import count_parameters
from t2ibook.layers import layer_table
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.records import published
from t2ibook.reports import markdown_table
from t2ibook.systems import base
from t2ibook.systems.lapgan import (
    CHOICES,
    FixedSentence,
    FreshPairs,
    LapGAN,
    LapGANConfig,
    NoSentence,
    PYRAMIDS,
    ResidualDiscriminator,
    ResidualGenerator,
    TAPS,
    TopDiscriminator,
    TopGenerator,
    _blur,
    _plane,
    _twice,
    enlarge,
    failure_signs,
    pictures_of,
    put_together,
    shrink,
    take_apart,
)
from t2ibook.systems.sentences import encode_captions
from t2ibook.text.skipthought import SkipSentence
from t2ibook.text.skipthought import train_combine
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import TrainConfig
from t2ibook.training import train
from t2ibook.trying import complaint
from torch import Tensor, nn
from torch.nn import functional as F
from typing import ClassVar
import math
import tempfile
import torch


WORDS = ["a", "red", "blue", "yellow", "house", "car", "on", "grass", "left", "two"]


def small(**switches):
    "A tiny system of random weights, in evaluation mode."
    torch.manual_seed(0)
    config = LapGANConfig(image_size=16, sides=(8, 16), latent=5, top_generator=12, top_discriminator=10, code=3, generator_channels=4,
                          discriminator_channels=4, word_dim=5, skip_hidden=6)
    return LapGAN(replace(config, **switches), Vocabulary(WORDS)).eval()


def few(n=24, size=16): return load_dataset("scenes", "train", size=size, n=n, seed=0)


# cell e3a97758
def test_blur_is_the_sum_over_taps():
    x = torch.randn(1, 2, 8, 8, generator=generator(0, "x"), dtype=torch.double)
    mirror = lambda i: -i if i < 0 else 14 - i if i > 7 else i
    wide = torch.zeros(1, 2, 8, 8, dtype=torch.double)
    wide[..., ::2, ::2] = x[..., :4, :4]
    less, more = shrink(x, 4, "gaussian"), enlarge(x[..., :4, :4], 8, "gaussian")
    for i in range(8):
        for j in range(8):
            taps = [(TAPS[a + 2] * TAPS[b + 2], mirror(i + a), mirror(j + b)) for a in range(-2, 3) for b in range(-2, 3)]
            assert torch.allclose(more[..., i, j], 4 * sum(w * wide[..., p, q] for w, p, q in taps), atol=1e-7)
            if i % 2 == j % 2 == 0: assert torch.allclose(less[..., i // 2, j // 2], sum(w * x[..., p, q] for w, p, q in taps), atol=1e-7)
    blocks = shrink(x, 4)
    for i in range(4):
        for j in range(4): assert torch.allclose(blocks[..., i, j], x[..., 2 * i:2 * i + 2, 2 * j:2 * j + 2].mean((2, 3)))       # halving bilinearly
    for kind in PYRAMIDS:
        flat = torch.full((1, 3, 16, 16), 0.7)
        assert torch.allclose(shrink(flat, 8, kind), flat[..., :8, :8]) and torch.allclose(enlarge(flat, 32, kind), torch.full((1, 3, 32, 32), 0.7))
    assert "only halves" in complaint(shrink, x, 5, "gaussian") and "only halves" in complaint(enlarge, x, 14, "gaussian")
    assert "did you mean" in complaint(shrink, x, 4, "gausian")



# cell 703129ad
def test_the_pyramid_inverts_exactly():
    x = torch.rand(2, 3, 64, 64, generator=generator(0, "x"))
    for kind, sides in (("resize", (4, 8, 16, 32, 64)), ("gaussian", (4, 8, 16, 32, 64)), ("resize", (8, 14, 28))):
        picture = x[..., :sides[-1], :sides[-1]]
        parts, pictures = take_apart(picture, sides, kind), pictures_of(picture, sides, kind)
        assert [p.shape[-1] for p in parts] == list(sides) and torch.equal(parts[0], pictures[0])
        assert (put_together(parts, kind) - picture).abs().max() < 1e-6
        for k in range(1, len(sides)):
            coarse = enlarge(pictures[k - 1], sides[k], kind)
            assert (coarse + parts[k] - pictures[k]).abs().max() < 1e-6 and torch.equal(pictures[k - 1], shrink(pictures[k], sides[k - 1], kind))
        changed = [parts[0], *[torch.zeros_like(p) for p in parts[1:]]]
        assert (put_together(changed, kind) - picture).abs().mean() > 0.1             # the residuals matter



# cell 8d944ee3
def test_parameter_counts_are_those_of_the_fact_sheet():
    assert count_parameters(TopGenerator(8)) == 1_792_992 and count_parameters(TopDiscriminator(8)) == 477_001
    for n, of_generator, of_discriminator in ((64, 218_179, {14: 107_905, 16: 108_353, 28: 113_729, 32: 116_545}),
                                              (128, 837_763, {14: 420_609, 16: 421_505, 28: 432_257, 32: 437_889})):
        for side, expected in of_discriminator.items():
            assert count_parameters(ResidualGenerator(side, n)) == of_generator and count_parameters(ResidualDiscriminator(side, n)) == expected
    sharpener = ResidualGenerator(32, 128, sentence=4800)                     # alignDRAW's released one
    assert sum(count_parameters(m) for m in sharpener.layers) == 844_035 and count_parameters(sharpener) == 5_760_259
    assert any(isinstance(m, nn.Sigmoid) for m in TopGenerator(8).layers) and not any(isinstance(m, nn.Sigmoid) for m in TopGenerator(8, activation="relu").layers)



# cell b5326712
def test_shapes_and_the_sum_that_the_discriminator_sees():
    gen = generator(0, "numbers")
    noise = lambda *shape: torch.randn(*shape, generator=gen)
    for side, sentence in ((14, 0), (16, 5), (28, 5), (9, 0)):
        G, D, t = ResidualGenerator(side, 6, sentence), ResidualDiscriminator(side, 6, sentence).eval(), noise(3, sentence)
        z, coarse, c = noise(3, 1, side, side), noise(3, 3, side, side), noise(3, 3, side, side)
        h = G(z, coarse, t)
        assert h.shape == coarse.shape and D(h, coarse, t).shape == (3,)
        torch.testing.assert_close(D(h + c, coarse - c, t), D(h, coarse, t), atol=1e-5, rtol=1e-4)                    # (6)
        assert not torch.allclose(D(h + c, coarse, t), D(h, coarse, t), atol=1e-4) and not torch.allclose(G(z, coarse + c, t), h, atol=1e-4)
        assert not torch.equal(G(noise(*z.shape), coarse, t), h)
        if sentence: assert not torch.equal(G(z, coarse, noise(3, sentence)), h) and not torch.equal(D(h, coarse, noise(3, sentence)), D(h, coarse, t))
    G, D = TopGenerator(4, 7, 9, 5, 3), TopDiscriminator(4, 9, 5, 3).eval()
    assert G(noise(2, 7), noise(2, 5)).shape == (2, 3, 4, 4) and D(noise(2, 3, 4, 4), noise(2, 5)).shape == (2,)
    assert "too small" in complaint(ResidualDiscriminator, 8, 4)



# cell 8578383b
def test_without_residuals_a_sample_is_its_predecessor_enlarged():
    for kind in PYRAMIDS:
        system = small(pyramid=kind)
        z, t = torch.randn(3, *system.noise_shape(), generator=generator(0, "z")), torch.randn(3, system.text.n_features, generator=generator(0, "t"))
        pictures = system.chain(z, t)
        assert [p.shape[-1] for p in pictures] == [8, 16]
        by_hand = system.generator_8(torch.erf(z[:, :5] / 2**0.5), t)
        wide = enlarge(by_hand, 16, kind)
        by_hand = wide + system.generator_16(torch.erf(z[:, 5:] / 2**0.5).view(3, 1, 16, 16), wide, t)
        torch.testing.assert_close(pictures[1], by_hand)
        for p in system.generator_16.layers[-1].parameters(): p.data.zero_()
        pictures = system.chain(z, t)
        assert torch.equal(pictures[1], enlarge(pictures[0], 16, kind))                                      # G = 0 in (8)
    assert small(image_size=32, sides=(8, 16, 32)).noise_shape() == (5 + 16**2 + 32**2,)
    assert torch.equal(small(noise="normal").spread(z), z) and small().spread(z).abs().max() <= 1



# cell 1d1ea1ec
def test_losses_are_those_of_the_formulas():
    def bce(scores, target): return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))
    def top(v): return shrink(v, 8), None
    def below(v): return v - enlarge(shrink(v, 8), 16), enlarge(shrink(v, 8), 16)
    def judged(D, part, wide, said): return D(part, said) if wide is None else D(part, wide, said)

    for w, kind, more in ((0.0, "uniform", 2), (0.4, "normal", 1)):
        system, n = small(mismatch=w, noise=kind, generator_batch=more, dropout=0.0).train(), 4
        batch = system.example_batch(n)
        x, t, xs, ts = (batch[k] for k in ("image", "sentence", "fresh_image", "fresh_sentence"))
        for k, side, parts in ((0, 8, top), (1, 16, below)):
            G, D = system.level(k)
            for role, images, said in (("discriminator", xs[:n], ts[:n]), ("generator", xs[n:n + more * n], ts[n:n + more * n])):
                got = system.training_step(batch, generator(0, "step"), f"{role}_{side}")
                z = torch.randn(len(said), (5, 256)[k], generator=generator(0, "step"))
                z = torch.erf(z / 2**0.5) if kind == "uniform" else z
                (h, wide), (true, beside) = parts(images), parts(x)
                drawn = G(z, said) if wide is None else G(z.view(-1, 1, 16, 16), wide, said)
                if role == "generator":
                    expected = bce(judged(D, drawn, wide, said), 1.0)
                    if k: assert abs(got["energy_16"].item() - (drawn.square().mean() / h.square().mean()).item()) < 1e-5
                else:
                    expected = bce(judged(D, true, beside, t), 1.0) + (1 - w) * bce(judged(D, drawn, wide, said), 0.0)
                    if w: expected = expected + w * bce(judged(D, true, beside, t.roll(1, 0)), 0.0)               # (7)
                    assert {f"d_real_{side}", f"d_fake_{side}"} <= set(got) and (f"d_wrong_{side}" in got) == (w > 0)
                torch.testing.assert_close(got[f"{role}_{side}"], expected, atol=1e-5, rtol=1e-4)



# cell 07f03e44
def test_every_level_learns_alone():
    system = small().train()
    players = system.players()
    assert list(players) == ["discriminator_8", "generator_8", "discriminator_16", "generator_16"]
    assert {id(p) for group in players.values() for p in group} == {id(p) for p in system.parameters() if p.requires_grad}
    for player, mine in players.items():
        system.zero_grad(set_to_none=True)
        system.training_step(system.example_batch(), generator(0, "step"), player)[player].backward()
        touched = {name for name, group in players.items() for p in group if p.grad is not None}
        side = player.rpartition("_")[2]
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in mine)
        assert all(name.endswith(f"_{side}") for name in touched)                       # never another level
        assert player in touched and (player.startswith("generator") or touched == {player})



# cell 3185c43d
def test_real_and_drawn_halves_have_different_conditions():
    data, system = few(), small(generator_batch=2).train()
    pairs = FreshPairs(data, system)
    batch = pairs.batch(torch.arange(10), generator(0, "batch"))
    assert batch["fresh_image"].shape == (30, 3, 16, 16) and batch["fresh_sentence"].shape == (30, system.text.n_features)
    seen, inner = [], system.level(1)[1].forward
    system.level(1)[1].forward = lambda part, coarse, said: seen.append((coarse, said)) or inner(part, coarse, said)
    system.training_step(batch, generator(0, "step"), "discriminator_16")
    ((beside, t),) = seen
    _, coarse = system.parts(batch["image"], 1)
    assert torch.equal(beside[:10], coarse) and torch.equal(beside[10:], system.parts(batch["fresh_image"][:10], 1)[1])
    assert ((beside[:10] - beside[10:]).flatten(1).abs().amax(1) > 0).sum() >= 8 and torch.equal(t[10:], batch["fresh_sentence"][:10])
    seen.clear()
    system.training_step(batch, generator(0, "step"), "generator_16")
    assert len(seen[0][0]) == 20 and torch.equal(seen[0][0], system.parts(batch["fresh_image"][10:], 1)[1])
    own = small(conditions="own").train()
    batch = FreshPairs(data, own).batch(torch.arange(4), generator(0, "batch"))
    assert "fresh_image" not in batch and torch.equal(own.conditions(batch, "generator", 4)[0], batch["image"].repeat(2, 1, 1, 1))
    assert "FreshPairs" in complaint(small().training_step, batch, generator(0, "step"), "generator_8")



# cell 833ebefc
def test_residual_levels_may_look_at_a_part_of_the_batch():
    a, b = small(residual_batch=3, dropout=0.0).train(), small(dropout=0.0).train()
    batch = b.example_batch(8)
    short = {k: batch[k][:3] for k in ("image", "sentence", "fresh_image", "fresh_sentence")}
    for player in ("discriminator_8", "discriminator_16"):
        whole, part = (s.training_step(batch, generator(0, "s"), player)[player] for s in (b, a))
        assert torch.equal(whole, part) == (player == "discriminator_8")
    torch.testing.assert_close(part, b.training_step(short, generator(0, "s"), "discriminator_16")["discriminator_16"])



# cell d0c01b0d
def test_equal_seeds_equal_pictures_and_a_folder_is_enough():
    captions = ["a red house on grass", "two blue car left"]
    for fields in ({}, {"whiten": True}, {"text": "none"}, {"pyramid": "gaussian", "normalise": "pixel"}, {"sides": (16,)}, {"skip_eof": False}):
        system = small(**fields)
        system.fit_pixels(few().images)
        together, alone = system.generate(captions, n=2, seed=3), system.generate(captions[1:], n=2, seed=3)
        assert together.shape == (2, 2, 3, 16, 16) and 0 <= together.min() and together.max() <= 1
        torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=0)
        assert not torch.equal(together[0, 0], together[0, 1]) and not torch.equal(together, system.generate(captions, n=2, seed=4))
        with tempfile.TemporaryDirectory() as folder:
            digest = system.save(folder)
            again = LapGAN.load(folder)
            assert again.config == system.config and again.save(folder) == digest
            torch.testing.assert_close(again.generate(captions, n=2, seed=3), together, atol=2e-2, rtol=0)
    blind = small(text="none")
    z = torch.randn(2, *blind.noise_shape(), generator=generator(0, "z"))
    assert torch.equal(*(blind.decode(*blind.vocabulary.encode([c, c]), z) for c in captions))
    requests = {"must rise": {"sides": (16, 8)}, "end at": {"sides": (8, 14)}, "dropout is": {"dropout": 1.0}, "mismatch is": {"mismatch": 2.0},
                "at least 1": {"generator_batch": 0}, "start": {"start": "zero"}, "normalise": {"normalise": "none"}}
    for wanted, fields in requests.items(): assert wanted in complaint(small, **fields), wanted



# cell d8bf2063
def test_pixels_and_sentences_have_their_units():
    data, system = few(60), small(normalise="pixel")
    system.fit_pixels(data.images)
    x = data.batch(torch.arange(60))["image"]
    inside = system.inside(x)
    assert inside.mean(0).abs().max() < 1e-4 and (system.outside(inside) - x).abs().max() < 1e-5
    varied = x.std(0) > 0.02
    assert (inside.std(0)[varied] - 1).abs().max() < 1e-3
    assert small().inside(x) is x
    captions = [f"a {a} {b} on {c}" for a in WORDS for b in WORDS for c in WORDS]
    plain, white = small(), small(whiten=True)
    for s in (plain, white): s.text.load(train_combine([captions[:5], captions[5:9]], s.vocabulary, 5, 6, 2, 0), captions)
    raw, turned = (s.text(*s.vocabulary.encode(captions)) for s in (plain, white))
    assert raw.shape[1] == turned.shape[1] == 12 and torch.allclose(raw[:, :6].norm(dim=1), torch.ones(len(raw)), atol=1e-5)
    largest = torch.linalg.eigvalsh(turned.double().T.cov())[-1]
    assert abs(largest.item() - 1) < 0.01 and turned.mean(0).abs().max() < 1e-3 and not any(p.requires_grad for p in plain.text.parameters())
    few_pairs = FreshPairs(few(), plain, most=0)
    assert few_pairs.rows is None and torch.allclose(few_pairs.sentences(captions[:3]), raw[:3], atol=1e-6)



# cell 00c002fe
def test_paper_profile_has_the_recommended_sizes():
    example = LapGAN.example("paper")
    sizes = {name: count_parameters(network) for name, network in example.networks().items()}
    assert sizes["generator_32"] == 5_760_259                                             # alignDRAW's released sharpener
    assert sizes["generator_16"] == 4800 * 128 + 128 + 228 * 1200 + 1200 + 1200 * 1200 + 1200 + 1200 * 768 + 768
    assert sizes["discriminator_32"] == 4800 * 1024 + 1024 + 116_545 + 64 * 25 and example.text.n_features == 4800
    for name, rows in example.layer_tables().items(): assert sum(row["parameters"] for row in rows) == sizes[name]
    assert sizes["discriminator_16"] == 4800 * 128 + 128 + 896 * 600 + 600 + 600 * 600 + 600 + 601



# cell 4bebcae4
def test_signs_notice_what_they_are_for():
    system, data = small(), few()
    batch = FreshPairs(data, system).batch(torch.arange(24), generator(0, "batch"))
    healthy = failure_signs(system, batch, generator(0, "signs"))[16]
    assert all(healthy[name] > 0 for name in ("energy", "energy_in_chain", "spread", "words")) and 0 < healthy["d_chain"] < 1
    first, last = system.generator_16.layers[0], system.generator_16.layers[-1]
    kept = first.weight.detach().clone()
    first.weight.data[:, 0] = 0
    assert failure_signs(system, batch, generator(0, "signs"))[16]["spread"] < 1e-4 < healthy["spread"]
    first.weight.data.copy_(kept)
    first.weight.data[:, 1] = 0
    assert failure_signs(system, batch, generator(0, "signs"))[16]["words"] < 1e-4 < healthy["words"]
    first.weight.data.copy_(kept), last.weight.data.mul_(0.01), last.bias.data.mul_(0.01)
    assert failure_signs(system, batch, generator(0, "signs"))[16]["energy"] < 0.01 * healthy["energy"]
    assert system.train().training and failure_signs(system, batch, generator(0, "signs")) and system.training
