"""Checks of nbs/22a_sharpening.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from dataclasses import replace
from t2ibook.adversarial import discriminator_loss, generator_loss
from t2ibook.bounds import bound_after, bound_score
from t2ibook.core import InputError, generator
from t2ibook.datasets import Dataset
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.metrics import mse, ssim
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import to_signed, to_unit
from t2ibook.systems.lapgan import FreshPairs, LapGANConfig, enlarge, shrink
from t2ibook.systems.lapgan import LapGAN, ResidualGenerator
from t2ibook.systems.sentences import encode_captions
from t2ibook.systems.sharpening import (
    Sharpener,
    _descend,
    sharpener_for_pairs,
)
from t2ibook.text.skipthought import train_combine
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import TrainConfig, train
from t2ibook.training import batch_indices
from t2ibook.trying import complaint
from torch import Tensor
from torch.nn import functional as F
import copy
import tempfile
import torch


WORDS = ["a", "red", "blue", "yellow", "house", "car", "on", "grass", "left", "two"]


def small(**switches):
    "A tiny LAPGAN of random weights."
    torch.manual_seed(0)
    config = LapGANConfig(image_size=16, sides=(8, 16), latent=5, top_generator=12, top_discriminator=10, code=3, generator_channels=4,
                          discriminator_channels=4, word_dim=5, skip_hidden=6)
    return LapGAN(replace(config, **switches), Vocabulary(WORDS))


class Blurring:
    "Stands in for a painter: it reconstructs a picture as its blur, at no cost."

    vocabulary, name, likelihood, device, training = Vocabulary(WORDS), "blurring", "Bernoulli on real-valued pixels", "cpu", False

    def eval(self): return self

    def train(self, mode=True): return self

    def reconstruct(self, batch, gen): return enlarge(shrink(to_unit(batch["image"]), 8), 16), torch.full((len(batch["image"]),), 2.0)

    def bound(self, batch, gen):
        p, x = self.reconstruct(batch, gen)[0].clamp(1e-3, 1 - 1e-3), to_unit(batch["image"])
        return (x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1), torch.full((len(x),), 2.0)


# cell 2167b802
def test_the_sharpener_is_a_function():
    system = small()
    x, captions = torch.rand(3, 3, 16, 16, generator=generator(0, "x")), ["a red house", "two blue car", "a red house"]
    sharpen = Sharpener.of(system)
    once, again = sharpen(x, captions), sharpen(x, captions)
    assert torch.equal(once, again) and once.shape == x.shape and 0 <= once.min() and once.max() <= 1 and not once.requires_grad
    with torch.no_grad(): by_hand = 2 * x - 1 + system.generator_16(torch.zeros(3, 1, 16, 16), 2 * x - 1, system.text(*system.vocabulary.encode(captions)))
    torch.testing.assert_close(once, (by_hand / 2 + 0.5).clamp(0, 1))                                         # (1)
    assert not torch.equal(once, sharpen(x, captions[::-1][:2] + ["a yellow car"]))
    torch.testing.assert_close(sharpen(x[1:2], captions[1:2]), once[1:2], atol=1e-5, rtol=0)
    for p in sharpen.network.layers[-1].parameters(): p.data.zero_()
    torch.testing.assert_close(sharpen(x, captions), x, atol=1e-6, rtol=0)                                    # G = 0 changes nothing,
    assert torch.equal(Sharpener.of(system)(x, captions), once)                                               # and the system was not touched
    pixel = small(normalise="pixel")
    pixel.pixel_mean.fill_(0.1), pixel.pixel_deviation.fill_(0.5)
    for p in pixel.generator_16.layers[-1].parameters(): p.data.zero_()
    torch.testing.assert_close(Sharpener.of(pixel)(x, captions), x, atol=1e-6, rtol=0)
    assert "no residual" in complaint(Sharpener.of, small(sides=(16,)))
    assert "takes pictures" in complaint(sharpen, x[..., :8], captions) and "takes pictures" in complaint(sharpen, x, captions[:1])



# cell 2cbc3f56
def test_it_fits_the_bound_after_sharpening():
    data = load_dataset("scenes", "train", size=16, n=12, seed=0)
    idle = small()
    for p in idle.generator_16.layers[-1].parameters(): p.data.zero_()
    plain = bound_score(Blurring(), data, n=12)["bound"].value
    assert abs(bound_after(Blurring(), Sharpener.of(idle), data, n=12)["bound_after"].value - plain) < 3
    assert bound_after(Blurring(), Sharpener.of(small()), data, n=12)["bound_after"].value < plain              # random weights do not help



# cell b4a6e07d
def test_pairs_teach_the_last_level_only():
    data = load_dataset("scenes", "train", size=16, n=60, seed=0)
    system = small(text="none", dropout=0.0)
    system.generator_16.layers[-1].bias.data.fill_(0.5)                 # everything too bright: something to learn
    before = {k: v.clone() for k, v in system.state_dict().items()}
    first, second = (sharpener_for_pairs(system, Blurring(), data, steps=40, batch_size=16, rate=3e-3, squared=300.0) for _ in range(2))
    assert all(torch.equal(v, before[k]) for k, v in system.state_dict().items())
    assert all(torch.equal(a, b) for a, b in zip(first.network.parameters(), second.network.parameters()))
    x, captions = data.images.float() / 255, [c[0] for c in data.captions]
    blurry = Blurring().reconstruct({"image": 2 * x - 1}, None)[0]
    left = [mse(g(blurry, captions), x).mean().item() for g in (Sharpener.of(system), first)]
    assert left[1] < 0.4 * left[0]
    game = sharpener_for_pairs(system, Blurring(), data, steps=3, batch_size=16)
    assert any(not torch.equal(a, b) for a, b in zip(game.network.parameters(), system.generator_16.parameters()))
