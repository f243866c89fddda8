"""Checks of nbs/10_imagination.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from dataclasses import dataclass
from dataclasses import replace
from matplotlib import pyplot as plt
from pathlib import Path
from t2ibook.core import InputError, generator, published_dir, read_json
from t2ibook.core import check_choice
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.evaluation import digit_reader, load_samples
from t2ibook.layers import PictureDecoder, PictureEncoder, gaussian_kl, sample_gaussian
from t2ibook.layers import count_parameters
from t2ibook.metrics import diversity, real_diversity
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.records import find_record, published
from t2ibook.systems import base
from t2ibook.systems.imagination import (
    GaussianHeads,
    Imagination,
    ImaginationConfig,
    kl_weight,
)
from t2ibook.text.encoders import LSTMEncoder
from t2ibook.text.glove import nearest_words, train_glove
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import TrainConfig
from t2ibook.training import read_log, train
from t2ibook.worlds import load_world
from torch import Tensor, nn
from typing import ClassVar
import math
import tempfile
import torch


def tiny(steps=150, **fields):
    "A tiny system trained on real handwritten digits at 32×32, and its training set."
    digits = load_dataset("digits", "train", size=32)
    vocabulary = Vocabulary.build([c for captions in digits.captions for c in captions])
    torch.manual_seed(0)
    system = Imagination(replace(ImaginationConfig(image_size=32, word_dim=16, hidden=32, start_channels=64), **fields), vocabulary)
    with tempfile.TemporaryDirectory() as folder:
        train(system, digits, TrainConfig(steps=steps, batch_size=32, learning_rate=5e-3, log_every=steps, sample_every=steps, checkpoint_every=steps), folder)
    return system, digits


NUMBERS = [f"the digit {word}" for word in "zero one two three four five six seven eight nine".split()]


# cell 82f407fe
def test_kl_weight_is_the_gaussian_likelihood():
    config, n_values = ImaginationConfig(kl_warmup=0.0), 12_288
    assert math.isclose(kl_weight(config, n_values), 6.5104e-6, rel_tol=1e-4)
    assert math.isclose(math.sqrt(n_values / 2), 78.38, rel_tol=1e-3)          # the sigma for which the weight is 1
    gen = generator(0, "scale")
    y, x, kl = torch.randn(2, n_values, generator=gen, dtype=torch.float64).requires_grad_(), torch.randn(2, n_values, generator=gen, dtype=torch.float64), 37.0
    nats = -torch.distributions.Normal(y, config.sigma2**0.5).log_prob(x).sum(1).mean() + kl
    ours = (y - x).square().mean() + kl_weight(config, n_values) * kl
    scale = n_values / (2 * config.sigma2)
    torch.testing.assert_close(torch.autograd.grad(nats, y)[0], torch.autograd.grad(ours * scale, y)[0])   # same direction, other unit
    halfway = ImaginationConfig(kl_warmup=0.2)
    assert math.isclose(kl_weight(halfway, n_values, 0.1), 0.5 * kl_weight(halfway, n_values, 0.2)) and kl_weight(halfway, n_values, 0.9) == kl_weight(halfway, n_values, 0.2)



# cell c9027252
def test_sizes_are_those_of_the_fact_sheet():
    expected = {(256, 256, 4): (570_368, 131_584, 1_739_203), (512, 512, 4): (1_665_024, 525_312, 6_951_811),
                (512, 1024, 5): (1_665_024, 525_312, 25_605_251), (1024, 1024, 4): (5_427_200, 2_099_200, 27_797_251)}
    for (hidden, start, kernel), (lstm, heads, decoder) in expected.items():
        config = ImaginationConfig(word_dim=300, hidden=hidden, start_channels=start, kernel=kernel)
        system = Imagination(config, Vocabulary(["pip"]))
        assert [count_parameters(m) for m in (system.encoder.lstm, system.heads, system.decoder)] == [lstm, heads, decoder]



# cell eceb96ba
def test_every_reading_trains_and_draws():
    vocabulary = Vocabulary.build(["a red ball", "a blue ball"])
    tokens, lengths = vocabulary.encode(["a red ball", "a blue ball"])
    batch = {"tokens": tokens, "lengths": lengths, "image": torch.zeros(2, 3, 32, 32), "progress": 0.5}
    for latent, prior in [("none", "learned"), ("text", "learned"), ("cvae", "learned"), ("cvae", "standard")]:
        torch.manual_seed(0)
        system = Imagination(ImaginationConfig(image_size=32, hidden=8, word_dim=4, start_channels=16, latent=latent, prior=prior), vocabulary)
        losses = system.training_step(batch, generator(0, "step"))
        losses["loss"].backward()
        assert all(p.grad is not None for p in system.parameters() if p.requires_grad)
        assert (losses["kl"] == 0) == (latent == "none")
        pictures = system.generate(["a red ball"], n=3)
        assert pictures.shape == (1, 3, 3, 32, 32) and pictures.min() >= 0 and pictures.max() <= 1
        assert torch.equal(pictures[0, 0], pictures[0, 1]) == (latent == "none")      # without a Gaussian there is nothing to sample



# cell 795d5e41
def test_noise_that_knows_nothing_only_costs():
    gen = generator(0, "pythagoras")
    pictures = torch.randn(4000, 12, generator=gen, dtype=torch.float64) + 1      # x given s: many frames of one sentence
    mean = pictures.mean(0)
    drawn = mean + 0.3 * torch.randn(4000, 12, generator=gen, dtype=torch.float64)   # a decoder that listens to independent noise
    left = (drawn - pictures).square().sum(1).mean()
    right = (drawn - mean).square().sum(1).mean() + (pictures - mean).square().sum(1).mean()
    torch.testing.assert_close(left, right, rtol=0.01, atol=0)
    assert (mean - pictures).square().sum(1).mean() < left                        # the mean picture is better than any of them



# cell e47c05b9
def test_too_large_a_beta_ignores_the_text():
    spread = lambda system: system.generate(NUMBERS)[:, 0].std(0).mean().item()      # how much pictures of different captions differ
    good, digits = tiny()
    deaf, _ = tiny(beta=20_000.0)
    assert spread(deaf) < 0.25 * spread(good)



# cell 116fce1f
def test_the_published_weights_follow_unseen_captions():
    record = find_record("imagination-toons-laptop")
    for attribute in ("character", "friend", "place"): assert record["metrics"][f"faithfulness_{attribute}"]["value"] >= 0.90, attribute
