"""Checks of nbs/23_stackgan.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from dataclasses import dataclass, replace
from matplotlib import pyplot as plt
from t2ibook.adversarial import Residual, bare, init_gan_, resize_convolution
from t2ibook.core import InputError, check_choice, generator
from t2ibook.datasets import load_dataset
from t2ibook.evaluation import load_samples
from t2ibook.layers import DownBlock, gaussian_kl, layer_table
from t2ibook.layers import count_parameters
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import to_unit
from t2ibook.records import find_record, published
from t2ibook.reports import paired_difference, seeds_table
from t2ibook.systems import gancls
from t2ibook.systems.gancls import GanCLS, GanCLSConfig, TextDiscriminator, doublings, ladder, standing_for
from t2ibook.systems.sentences import ClassPairs, encode_captions, learn_captions
from t2ibook.systems.stackgan import (
    ACTIVATIONS,
    CHOICES,
    ConditioningAugmentation,
    PlainResidual,
    READINGS,
    RefiningDiscriminator,
    RefiningGenerator,
    START_NORMS,
    SketchGenerator,
    StackGAN,
    StackGANConfig,
    _linear,
    truncated,
)
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


WORDS = ["a", "red", "blue", "yellow", "flower", "with", "five", "petals", "on", "grass"]


def small(first_size=16, image_size=32, **switches):
    "A tiny system with random weights, of two stages unless `first_size` is 0."
    torch.manual_seed(0)
    config = StackGANConfig(image_size=image_size, first_size=first_size, latent=6, generator_channels=4, discriminator_channels=4, refining_channels=4,
                            refining_discriminator_channels=4, residual_blocks=1, code=5, letters=(6, 6, 6), word_dim=5, hidden=8, captions=1, wrong_from="batch")
    return StackGAN(replace(config, **switches), Vocabulary(WORDS))


def noise_batch(system, n=8):
    "Noise as pictures and sentences, two pictures of each class."
    return system.example_batch(n) | {"label": torch.arange(n) // 2}


def losses_of(system, player, seed=0):
    "The numbers of a training step, without its graph, weights and running averages untouched."
    state = {k: t.clone() for k, t in system.state_dict().items()}
    with torch.no_grad(): found = system.training_step(noise_batch(system), generator(seed, "step"), player)
    system.load_state_dict(state)
    return {k: v.item() for k, v in found.items()}


# cell 5e5f66be
def test_the_divergence_is_that_of_many_samples():
    torch.manual_seed(0)
    augment = ConditioningAugmentation(6, 4)
    mean, log_variance = augment(torch.randn(3, 6, generator=generator(0, "h")))
    kl = gaussian_kl(mean, log_variance)
    written = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)                                     # (2)
    torch.testing.assert_close(kl, written)
    q, p = torch.distributions.Normal(mean, (log_variance / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    c = mean + (log_variance / 2).exp() * torch.randn(200_000, 3, 4, generator=generator(0, "c"))                 # (1)
    counted = (q.log_prob(c) - p.log_prob(c)).sum(2)
    assert ((counted.mean(0) - kl).abs() < 4 * counted.std(0) / 200_000**0.5).all()
    assert gaussian_kl(torch.zeros(1, 5), torch.zeros(1, 5)).item() == 0



# cell 8e3d54b1
def test_activation_and_spread_are_what_they_say():
    h = 3 * torch.randn(50, 6, generator=generator(0, "h"))
    def made(**kind):
        torch.manual_seed(0)
        return ConditioningAugmentation(6, 4, **kind)
    raw = made().layer(h)
    for activation, act in (("none", lambda x: x), ("leaky", lambda x: torch.where(x > 0, x, 0.2 * x)), ("relu", lambda x: x.clamp_min(0))):
        for spread, factor in (("log_variance", 1), ("log_deviation", 2)):
            mean, log_variance = made(activation=activation, spread=spread)(h)
            torch.testing.assert_close(mean, act(raw[:, :4])); torch.testing.assert_close(log_variance, factor * act(raw[:, 4:]))
    assert made(activation="relu")(h)[1].min() >= 0 > made(activation="leaky")(h)[1].min()                       # no cloud narrower than the prior
    assert "did you mean" in complaint(made, activation="leeky") and "spread" in complaint(made, spread="variance")



# cell 0dbd4e37
def test_truncated_noise_is_the_cut_off_normal():
    noise = torch.randn(100_000, generator=generator(0, "n"))
    cut = truncated(noise)
    assert cut.abs().max() <= 2 and cut[noise.argsort()].diff().min() >= 0 and truncated(torch.tensor([40.0, -40.0])).tolist() == [2, -2]
    inside = noise[noise.abs() < 2]                                            # by rejection: the definition
    for share in (0.1, 0.5, 0.8): assert abs(cut.quantile(share) - inside.quantile(share)) < 0.02
    assert abs(cut.std() - inside.std()) < 0.01



# cell 8e98dbb2
def test_a_code_can_start_quietly():
    h = torch.randn(50, 16, generator=generator(0, "h"))
    for spread in ("log_variance", "log_deviation"):
        for network, sizes in ((SketchGenerator, (16, 4, 16, 5, 6)), (RefiningGenerator, (16, 32, 4, 16, 5))):
            nets = []
            for start in (0.0, -4.0):
                torch.manual_seed(0)
                nets.append(network(*sizes, spread=spread, spread_start=start))
            loud, quiet = (net.augment(h) for net in nets)
            torch.testing.assert_close(quiet[0], loud[0]); torch.testing.assert_close(quiet[1], loud[1] - 4)
            assert loud[1].mean().abs() < 0.2 and {k for k, t in nets[0].state_dict().items() if not torch.equal(t, nets[1].state_dict()[k])} == {"augment.layer.bias"}
    assert "use activation none" in complaint(SketchGenerator, 16, 4, 16, 5, 6, "leaky", spread_start=-4.0)



# cell 35e469f8
def test_the_start_is_normalised_by_numbers_or_by_maps():
    heard, sizes = torch.randn(64, 11, generator=generator(0, "heard")), {}
    for kind in START_NORMS:
        torch.manual_seed(0)
        net = SketchGenerator(16, 4, 16, 5, 6, start_norm=kind)
        maps, sizes[kind] = net.start(heard), count_parameters(net)                # (64, 8, 4, 4)
        by_number, by_map = maps.std(0, correction=0), maps.std((0, 2, 3), correction=0)
        assert (by_map - 1).abs().max() < 0.1 and ((by_number - 1).abs().max() < 0.1) == (kind == "numbers") and (by_number.std() > 0.1) == (kind == "maps")
    assert sizes["numbers"] - sizes["maps"] == 128 + 2 * 128 - 2 * 8               # biases, and two numbers of batch norm for each of 128, or of 8
    assert "did you mean 'maps'" in complaint(SketchGenerator, 16, 4, 16, 5, 6, start_norm="map")



# cell 620baeb5
def test_sizes_are_those_of_the_code():
    torch.manual_seed(0)
    h, z, e = torch.randn(2, 1024, generator=generator(0, "h")), torch.zeros(2, 100), torch.zeros(2, 128)
    G0, D0 = SketchGenerator(64, 128, 1024, 128, 100), TextDiscriminator(64, 64, 1024, 128, text_norm=False)
    assert (count_parameters(G0), count_parameters(D0)) == (14_264_192, 4_029_824)
    assert G0(z, h, e).shape == (2, 3, 64, 64) and G0.widths == [1024, 512, 256, 128]
    G, D = RefiningGenerator(64, 256, 128, 1024, 128), RefiningDiscriminator(256, 64, 1024, 128)
    assert (count_parameters(G), count_parameters(D)) == (26_290_080, 48_603_520)
    shapes, x = [], torch.zeros(1, 3, 64, 64)
    for part in G.down: x = part(x); shapes.append(tuple(x.shape[1:]))
    x = G.residuals(G.joint(torch.cat([x, torch.zeros(1, 128, 16, 16)], 1))); shapes.append(tuple(x.shape[1:]))
    for part in [*G.up, G.picture]: x = part(x); shapes.append(tuple(x.shape[1:]))
    assert shapes == [(128, 64, 64), (256, 32, 32), (512, 16, 16), (512, 16, 16), (256, 32, 32), (128, 64, 64), (64, 128, 128), (32, 256, 256), (3, 256, 256)]
    shapes, x = [], torch.zeros(1, 3, 256, 256)
    for part in D.eval().features: x = part(x); shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 16, 16), (1024, 8, 8), (2048, 4, 4), (1024, 4, 4), (512, 4, 4), (512, 4, 4)]
    half = RefiningDiscriminator(128, 8, 16, 4)
    assert [tuple(m.shape[1:2]) for m in (half.features[:5](torch.zeros(2, 3, 128, 128)), half.features(torch.zeros(2, 3, 128, 128)))] == [(128,), (64,)]
    assert RefiningGenerator(64, 128, 8, 16, 4)(torch.zeros(2, 3, 64, 64), torch.zeros(2, 16), None).shape == (2, 3, 128, 128)
    near = RefiningGenerator(32, 128, 8, 16, 4, halvings=1, narrowest=6, shortcut=True).eval()
    assert [next(m.out_channels for m in part.modules() if isinstance(m, nn.Conv2d)) for part in near.up] == [8, 6, 6]
    sketch = torch.tanh(torch.randn(2, 3, 32, 32, generator=generator(0, "s")))
    with torch.no_grad(): near.picture.weight.zero_()                          # nothing to change: the enlarged sketch
    drawn = near(sketch, torch.zeros(2, 16), None)
    assert drawn.shape == (2, 3, 128, 128)
    torch.testing.assert_close(drawn, F.interpolate(sketch.clamp(-0.98, 0.98), scale_factor=4, mode="bilinear"))
    torch.testing.assert_close(near(0 * sketch + 0.5, torch.zeros(2, 16), None), torch.full((2, 3, 128, 128), 0.5))
    for first, size in ((64, 64), (64, 96), (8, 32), (64, 32)): assert "by doubling" in complaint(RefiningGenerator, first, size, 8, 16, 4)



# cell ecf40dc0
def test_the_discriminator_is_blind_to_contrast():
    def loudness(D):
        "How much the scores change at most when a batch loses nine tenths of its contrast, in units of their deviation."
        x, h = torch.rand(8, 3, 32, 32, generator=generator(0, "x")) * 2 - 1, torch.randn(8, 16, generator=generator(0, "h"))
        for m in D.modules():
            if isinstance(m, nn.BatchNorm2d): m.eps = 1e-15                       # so that only the argument is tested
        scores, pale = (D.double().train()(factor * x.double(), h.double()) for factor in (1.0, 0.1))
        return ((pale - scores).abs().max() / scores.std()).item()
    torch.manual_seed(0)
    for D in (RefiningDiscriminator(32, 8, 16, 4), TextDiscriminator(32, 8, 16, 4, text_norm=False)): assert loudness(D) < 1e-4
    assert loudness(RefiningDiscriminator(32, 8, 16, 4, plain_blocks=2)) > 0.1



# cell be59ce5a
def test_the_generators_loss_has_the_divergence():
    for first_size in (0, 16):
        for reduction, weight in (("mean", 2.0), ("sum", 0.3)):
            system, seen = small(first_size, 32, kl_reduction=reduction, kl_weight=weight), []
            compare = system.discriminator.compare
            system.discriminator.compare = lambda f, t: seen.append(compare(f, t)) or seen[-1]
            batch = noise_batch(system)
            found = system.training_step(batch, generator(0, "step"), "generator")
            kl = gaussian_kl(*system.generator.augment(batch["sentence"])).mean()
            slow = -torch.sigmoid(seen[0]).log().mean() + weight * (kl / 5 if reduction == "mean" else kl)                                       # (4)
            assert abs(found["generator"].item() - slow.item()) < 1e-5 and abs(found["kl"].item() - kl.item()) < 1e-5 and kl > 0
    assert "kl" not in losses_of(small(augmentation=False), "generator") and "kl" not in losses_of(small(text_twice=False), "generator")



# cell 1e76fd25
def test_practice_is_a_real_picture_drawn_again():
    system = small(practice=3.0)
    batch = noise_batch(system)
    gen = generator(0, "practice")
    drawn = system.redrawn(batch, gen)
    noise = torch.randn(8, *system.noise_shape(), generator=generator(0, "practice"))
    reduced = batch["image"].unflatten(2, (16, 2)).unflatten(4, (16, 2)).mean((3, 5))                            # means of 2×2 pixels
    torch.testing.assert_close(drawn, system.generator(reduced, batch["sentence"], truncated(noise[:, -5:])))
    found = system.training_step(batch, generator(0, "step"), "generator")
    plain = small().training_step(batch, generator(0, "step"), "generator")
    by_hand = (drawn - batch["image"]).abs().mean()                                                              # (6), with another noise
    assert 0.8 * by_hand < found["practice"] < 1.2 * by_hand
    assert abs(found["generator"] - plain["generator"] - 3 * found["practice"]) < 1e-5
    assert "practice" not in small(0, practice=3.0).training_step(batch | {"image": torch.zeros(8, 3, 32, 32)}, generator(0, "step"), "generator")



# cell dc884808
def test_averages_settle_on_what_was_practised():
    flowers = load_dataset("blossoms", "train", size=32, n=40, seed=0)
    system = small(practice=1.0, shortcut=True).train()
    pairs, first = ClassPairs(flowers, system), system.generator.joint[1]
    seen = []
    hook = first.register_forward_hook(lambda layer, inputs, out: seen.append(inputs[0].mean((0, 2, 3))))
    others = {name: t.clone() for name, t in system.state_dict().items() if "generator" not in name and "first." not in name}
    system.settle(pairs, batches=5, batch_size=8)
    hook.remove()
    torch.testing.assert_close(first.running_mean, torch.stack(seen).mean(0))                                    # the mean over five batches, nothing of before
    assert len(seen) == 5 and first.momentum == 0.1 and system.training and all(torch.equal(t, system.state_dict()[name]) for name, t in others.items())
    for other in (small(), small(0, practice=1.0)):
        state = {name: t.clone() for name, t in other.state_dict().items()}
        other.settle(pairs)
        assert all(torch.equal(t, state[name]) for name, t in other.state_dict().items())                        # who did not practise stays



# cell 07c1ae6d
def test_every_field_changes_what_it_says():
    before = {player: losses_of(small(), player) for player in ("discriminator", "generator")}
    cases = [({"augmentation": False}, "both"), ({"text_twice": False}, "both"), ({"augmentation_activation": "none"}, "both"), ({"spread": "log_variance"}, "both"),
             ({"kl_reduction": "sum"}, "generator"), ({"kl_weight": 1.0}, "generator"), ({"code_noise": "normal"}, "both"), ({"discriminator_hears": "mean"}, "both"),
             ({"frozen_statistics": "running"}, "both"), ({"residual_blocks": 2}, "both"), ({"halvings": 1}, "both"), ({"narrowest": 7}, "both"), ({"shortcut": True}, "both"), ({"plain_blocks": 2}, "both"), ({"practice": 3.0}, "generator"),
             ({"matching": False}, "discriminator")]
    for fields, who in cases:
        for player in before:
            changed = abs(losses_of(small(**fields), player)[player] - before[player][player]) > 1e-7
            assert changed == (who in (player, "both")), (fields, player)
    for reading in READINGS.values(): assert StackGANConfig(**reading).text == "charcnn"
    for wanted, request in {"did you mean": lambda: small(spread="log_varience"), "no mean": lambda: small(text_twice=False, discriminator_hears="mean"),
                            "from a sketch": lambda: small(32, 32), "choose 0 to 3": lambda: small(plain_blocks=4)}.items(): assert wanted in complaint(request), wanted



# cell f8a2b41b
def test_gradients_reach_only_their_player_and_stage_one_stays():
    for first_size, fields in ((0, {}), (16, {}), (16, {"discriminator_hears": "mean"}), (16, {"frozen_statistics": "running", "gradient_penalty": 1.0, "penalty_every": 1})):
        system = small(first_size, **fields).train()
        state = {name: t.clone() for name, t in system.state_dict().items()}
        players = system.players()
        for player, mine in players.items():
            system.zero_grad(set_to_none=True)
            other = [p for name, group in players.items() for p in group if name != player]
            for p in other: p.requires_grad_(False)                             # as the shared loop does
            system.training_step(noise_batch(system), generator(0, "step"), player)[player].backward()
            assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in mine), player
            if first_size: assert all(p.grad is None for p in system.first.parameters())
            assert all(p.grad is None for p in [*other, *system.text.parameters()])
            for p in other: p.requires_grad_(True)
        if first_size:
            moved = any(not torch.equal(t, state[name]) for name, t in system.state_dict().items() if name.startswith("first.") and "running" in name)
            assert moved == (system.config.frozen_statistics == "batch")



# cell 04f9c7d5
def test_the_second_stage_stands_on_the_first():
    first = small(0, 16, text="bilstm", code=7, generator_channels=6, start_norm="maps").eval()
    second = StackGAN.on(first, small().config).eval()
    captions = ["a red flower", "a blue flower with five petals"]
    assert (second.config.code, second.config.generator_channels, second.config.text, second.config.first_size) == (7, 6, "bilstm", 16)
    noise, h = second.noise(captions, 2, 3), second.text(*second.vocabulary.encode([c for c in captions for _ in range(2)]))
    torch.testing.assert_close(second.sketch(noise, h), first.paint(noise[:, :6 + 7], h))             # the same z and the same noise of the code
    names, drawn = zip(*second.stages(captions, 2, 3))
    one = small(gradient_penalty=0.1, first_penalty=0.7).config.stage_one()
    assert (one.image_size, one.first_size, one.gradient_penalty) == (16, 0, 0.7) and StackGAN.trainings("laptop")["Stage-I"][0].gradient_penalty == 1.0
    assert names == ("Stage-I", "Stage-II") and [tuple(d.shape) for d in drawn] == [(2, 2, 3, 16, 16), (2, 2, 3, 32, 32)]
    torch.testing.assert_close(drawn[0].flatten(0, 1), to_unit(second.sketch(noise, h)))
    assert torch.equal(drawn[1], second.generate(captions, 2, 3))
    assert "augmentation=True" in complaint(StackGAN.on, first, small(augmentation=False).config)
    third = StackGAN.on(second, small(residual_blocks=2).config).eval()                             # another Stage-II on the same sketches
    torch.testing.assert_close(third.sketch(noise, h), second.sketch(noise, h))
    assert "Stage-I of StackGAN" in complaint(StackGAN.on, GanCLS.example(), small().config) and "one stage" in complaint(first.stages, captions) and "no caption" in complaint(second.stages, [])



# cell 57f110d1
def test_equal_seeds_equal_pictures_and_a_folder_is_enough():
    captions = ["a red flower", "a blue flower with five petals"]
    for fields in ({}, {"first_size": 0}, {"augmentation": False}, {"noise": "uniform"}, {"text": "lstm", "whiten": True}):
        system, gen = small(**fields).train(), generator(0, "warm")
        with torch.no_grad():                                                   # running averages that fit, so that small weights are not all grey
            for _ in range(40): system.paint(torch.randn(16, *system.noise_shape(), generator=gen), torch.randn(16, system.text.n_features, generator=gen))
        system.eval()
        if system.config.whiten: system.text.whiten(encode_captions(system, [f"{w} {v}" for w in WORDS for v in WORDS]))
        together, alone = system.generate(captions, n=2, seed=3), system.generate(captions[1:], n=2, seed=3)
        assert together.shape == (2, 2, 3, 32, 32) and 0 <= together.min() and together.max() <= 1
        torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=0)
        assert not torch.equal(together, system.generate(captions, n=2, seed=4)) and not torch.equal(together[0, 0], together[0, 1])
        with tempfile.TemporaryDirectory() as folder:
            digest = system.save(folder)
            again = StackGAN.load(folder)
            assert again.config == system.config and again.save(folder) == digest
            torch.testing.assert_close(again.generate(captions, n=2, seed=3), together, atol=2e-2, rtol=0)



# cell 9894517d
def test_info_shows_the_published_sizes():
    example = StackGAN.example("paper")
    counts = {name: count_parameters(net) for name, net in example.networks().items()}
    assert counts == {"first_generator": 14_264_192, "first_discriminator": 4_029_824, "generator": 26_290_080, "discriminator": 48_603_520, "text": 0}
    for system in (example, small(0)):
        for name, rows in system.layer_tables().items(): assert sum(row["parameters"] for row in rows) == count_parameters(system.networks()[name]), name
