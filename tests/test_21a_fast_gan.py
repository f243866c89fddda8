"""Checks of nbs/21a_fast_gan.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from dataclasses import replace
from matplotlib import pyplot as plt
from t2ibook.core import generator
from t2ibook.systems import get, reference
from t2ibook.systems.gancls import GanCLS
from t2ibook.systems.gancls import GanCLSConfig
from t2ibook.systems.plain_gancls import (
    PlainGanCLS,
)
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import make_optimiser
from torch import Tensor
import time
import torch


def step_of(system, batch, player, seed=0):
    "The numbers of a training step, the gradients of its player by name, and the running averages after it."
    system.train().zero_grad(set_to_none=True)
    found = system.training_step(batch, generator(seed, "step"), player)
    found[player].backward()
    gradients = {name: p.grad for name, p in system.named_parameters() if name.startswith(player) or (name.startswith("matcher") and player == "discriminator")}
    return {k: v.item() for k, v in found.items()}, gradients, {k: v.clone() for k, v in system.named_buffers()}


def example(n=8, dtype=torch.float32, **switches):
    "A tiny system and a batch for it."
    torch.manual_seed(1)
    config = GanCLSConfig(image_size=32, latent=6, generator_channels=4, discriminator_channels=4, code=5, letters=(6, 6, 6), hidden=8)
    system = GanCLS(replace(config, **switches), Vocabulary(["a", "red", "flower"])).to(dtype)
    batch = system.example_batch(n)
    return system, {k: v.to(dtype) if v.is_floating_point() else v for k, v in batch.items()}


# cell a105b0f9
def test_both_versions_give_the_same():
    cases = [{"wrong_from": place, "mismatch": kind} for place in ("set", "batch") for kind in ("image", "text")]
    cases += [{"matching": False}, {"interpolated": False}, {"discriminator_interpolated": True}, {"text_norm": False}, {"average": "terms"}, {"contrast": 0.7, "crowd": 5}]
    for switches in cases:
        system, batch = example(dtype=torch.float64, **switches)
        plain, names = PlainGanCLS.of(system), ("discriminator", "generator")
        randn = torch.randn
        torch.randn = lambda *shape, **more: randn(*shape, **more).double()
        try: ours, theirs = ([step_of(one, batch, player) for player in names] for one in (system, plain))
        finally: torch.randn = randn
        for (found, gradients, buffers), (found2, gradients2, buffers2) in zip(ours, theirs):
            assert found.keys() == found2.keys() and max(abs(found[k] - found2[k]) for k in found) < 1e-10, switches
            for name in gradients: torch.testing.assert_close(gradients[name], gradients2[name], rtol=1e-6, atol=1e-10, msg=lambda m, name=name: f"{name}: {m}")
            for name in buffers: torch.testing.assert_close(buffers[name], buffers2[name], rtol=1e-6, atol=1e-9, msg=lambda m, name=name: f"{name}: {m}")



# cell 8d2c45d2
def test_both_versions_agree_in_32_bits():
    for switches in ({}, {"wrong_from": "batch"}):
        system, batch = example(16, **switches)
        plain = PlainGanCLS.of(system)
        for player in ("discriminator", "generator"):
            (found, gradients, _), (found2, gradients2, _) = (step_of(one, batch, player) for one in (system, plain))
            assert max(abs(found[k] - found2[k]) for k in found) < 1e-5
            one, other = (torch.cat([g[name].flatten() for name in gradients]) for g in (gradients, gradients2))
            assert (one - other).norm() < 1e-3 * other.norm()



# cell 92872bd2
def test_in_16_bits_the_losses_stay():
    system, batch = example(16, wrong_from="batch")
    for player in ("discriminator", "generator"):
        exact, _, _ = step_of(PlainGanCLS.of(system), batch, player)
        with torch.autocast("cpu", torch.bfloat16): rounded, gradients, _ = step_of(system, batch, player)
        assert abs(rounded[player] - exact[player]) < 0.03 * abs(exact[player]) and all(g.dtype == torch.float32 for g in gradients.values())



# cell ef202980
def test_the_plain_version_is_the_reference():
    assert reference("gancls").__name__ == "PlainGanCLS" and get("gancls") is GanCLS
    system, _ = example()
    kinds = lambda one: {type(m).__name__ for m in one.modules()}
    assert "UpConvolution" in kinds(system) and "UpConvolution" not in kinds(PlainGanCLS.of(system))
    first = lambda one: one.discriminator.features[1][0].weight
    assert first(system).is_contiguous(memory_format=torch.channels_last) and not first(PlainGanCLS.of(system)).is_contiguous(memory_format=torch.channels_last)
    captions = ["a red flower"]
    torch.testing.assert_close(system.eval().generate(captions), PlainGanCLS.of(system).generate(captions), atol=1e-5, rtol=0)
