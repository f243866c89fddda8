"""Checks of nbs/13a_fast.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from dataclasses import replace
from matplotlib import pyplot as plt
from t2ibook.attention import from_rows, grid_centres, to_rows
from t2ibook.core import InputError
from t2ibook.core import generator
from t2ibook.layers import LSTMStep, gaussian_kl
from t2ibook.repeated import packing_from, without_packing
from t2ibook.systems.aligndraw import AlignDraw, AlignDrawConfig, Memory
from t2ibook.systems.aligndraw import CONTEXTS
from t2ibook.systems.draw import Painting
from t2ibook.systems.plain import (
    PlainAlignDraw,
    copy_cell,
    plain_filters,
)
from t2ibook.text.tokens import Vocabulary
from torch import Tensor, nn
import time
import torch


def step_of(system, batch, seed=0):
    "The losses of a training step, its canvas, and its gradients by name, those of cells in the order of `LSTMStep`."
    system.zero_grad()
    losses = system.training_step(batch, generator(seed, "step"))
    losses["loss"].backward()
    gradients = {name: p.grad for name, p in system.named_parameters() if p.grad is not None}
    for name in ("encoder", "decoder"):
        if f"{name}.weight_ih" not in gradients: continue
        i_h, h_h, bias, second = (gradients.pop(f"{name}.{part}") for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        assert torch.equal(bias, second)
        for key, joined in ((f"{name}.gates.weight", torch.cat([i_h, h_h], 1)), (f"{name}.gates.bias", bias)):
            i, f, u, o = joined.chunk(4)
            gradients[key] = torch.cat([i, f, o, u])
    with torch.no_grad(): canvas = system.observe(batch, generator(seed, "step"))[1].canvas
    return losses["loss"].detach(), canvas, gradients


def example_of(system, n, seed=0):
    "The example batch with random pictures."
    batch = system.example_batch(n)
    return batch | {"image": torch.rand(batch["image"].shape, generator=generator(seed, "pictures")) * 2 - 1}


def differences(system, batch):
    "Relative differences between a system and its plain copy: loss, canvas, all gradients as one vector, and the worst single gradient."
    (loss, canvas, gradients), (other_loss, other_canvas, others) = step_of(system, batch), step_of(PlainAlignDraw.of(system), batch)
    assert gradients.keys() == others.keys()
    apart = lambda a, b: ((a - b).norm() / (b.norm() + 1e-30)).item()
    together = [torch.cat([g[name].flatten() for name in others]) for g in (gradients, others)]
    return apart(loss, other_loss), apart(canvas, other_canvas), apart(*together), max(apart(gradients[name], others[name]) for name in others)


# cell 765dfe08
def test_both_versions_give_the_same():
    others = {"prior": "standard"}, {"learned_start": False}, {"channels": 1, "grid": "as_released"}
    for switches in ({}, *({"context": context} for context in CONTEXTS[1:]), *others):
        config = replace(AlignDraw.presets["smoke"], image_size=12, n_glimpses=3, read_size=4, write_size=5, **switches)
        torch.manual_seed(1)
        system = AlignDraw(config, Vocabulary(["a", "red", "bus", "under", "the", "sky"])).double()
        batch = example_of(system, 3)
        assert max(differences(system, batch | {"image": batch["image"].double()})) < 1e-9, switches
        for smallest in (0, 2**18):                                              # with packed weights, and without: these are small
            with packing_from(smallest): assert max(differences(system.float(), batch)[:3]) < 1e-5, switches
        noise = torch.randn(3, *system.noise_shape(), generator=generator(0, "noise"))
        with torch.no_grad(): a, b = (one.decode(batch["tokens"], batch["lengths"], noise) for one in (system, PlainAlignDraw.of(system)))
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)



# cell 1091d15d
def test_both_versions_train_alike_in_16_bits():
    torch.manual_seed(1)
    system = AlignDraw(replace(AlignDraw.presets["smoke"], image_size=16, n_glimpses=3), Vocabulary(["a", "red", "bus", "under", "the", "sky"]))
    batch = example_of(system, 4)
    exact, _, gradients = step_of(system, batch)
    with torch.autocast("cpu", torch.bfloat16): (loss, _, ours), (_, _, plain) = step_of(system, batch), step_of(PlainAlignDraw.of(system), batch)
    assert abs(loss - exact) < 1e-4 * exact and loss.dtype == torch.float32
    apart = lambda found, names: sum((found[n] - gradients[n]).square().sum() for n in names) / sum(gradients[n].square().sum() for n in names)
    assert apart(ours, gradients) < 0.005 ** 2 and apart(ours, gradients) < apart(plain, gradients) / 4
    for name in gradients: assert name.startswith("alignment.from_state") or apart(ours, [name]) < 0.02 ** 2, name      # those are the sums that nearly cancel



# cell 7f60a222
def test_what_the_plain_version_cannot():
    config = replace(AlignDraw.presets["smoke"], image_size=12)
    plain = PlainAlignDraw(config, Vocabulary(["a", "bus"]))
    noise = torch.zeros(1, *plain.noise_shape())
    for call, wanted in ((lambda: PlainAlignDraw(replace(config, attention=False), plain.vocabulary), "attention=True"),
                         (lambda: plain.unroll(noise, keep=True), "use AlignDraw")):
        try: call(); message = ""
        except InputError as error: message = str(error)
        assert wanted in message
