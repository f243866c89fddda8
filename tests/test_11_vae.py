"""Checks of nbs/11_vae.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from dataclasses import dataclass
from dataclasses import replace
from matplotlib import pyplot as plt
from t2ibook.bounds import bounds_table, caption_retrieval, floor_of
from t2ibook.core import InputError, check_choice
from t2ibook.core import generator
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.evaluation import digit_accuracy, digit_reader, faithfulness
from t2ibook.judge import load_judge
from t2ibook.layers import DownBlock, PictureDecoder, gaussian_kl, init_dcgan_, sample_gaussian
from t2ibook.layers import count_parameters
from t2ibook.metrics import diversity, mse, ssim
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import to_unit
from t2ibook.records import published
from t2ibook.systems import base
from t2ibook.systems.vae import (
    ConvEncoder,
    DenseDecoder,
    DenseEncoder,
    VAE,
    VAEConfig,
    gaussian_log_likelihood,
    importance_estimate,
    mlp,
)
from t2ibook.text.encoders import LSTMEncoder
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


def plane(steps=200):
    "A dense system with two latent numbers, fitted to 64 pictures of 8×8, and a batch of four of them."
    scenes = load_dataset("scenes", "train", size=8, n=64)
    batch = scenes.batch(torch.arange(64))
    vocabulary = Vocabulary.build(batch["caption"])
    batch["tokens"], batch["lengths"] = vocabulary.encode(batch["caption"])
    torch.manual_seed(0)
    system = VAE(VAEConfig(image_size=8, network="dense", text="lstm", sentence=4, latent=2, hidden=24, word_dim=4, sigma2=0.2), vocabulary)
    optimiser = torch.optim.Adam(system.parameters(), lr=5e-3)
    for step in range(steps):
        loss = system.training_step(batch, generator(0, "plane", step))["loss"]
        optimiser.zero_grad(); loss.backward(); optimiser.step()
    return system.eval(), {name: batch[name][:4] for name in ("image", "tokens", "lengths")}


@torch.no_grad()
def by_grid(system, batch, side=121, width=6.0):
    "log p(x given y) by (1), a sum over a grid of codes: (B,)."
    axis = torch.linspace(-width, width, side)
    codes = torch.cartesian_prod(axis, axis)                                           # (G, 2)
    found = []
    for i in range(len(batch["image"])):
        one = {name: t[i:i + 1].expand(len(codes), *t.shape[1:]) for name, t in batch.items()}
        sentence = system.read(batch["tokens"][i:i + 1], batch["lengths"][i:i + 1]).expand(len(codes), -1)
        log_prior = -0.5 * codes.square().sum(1) - math.log(2 * math.pi)
        found.append((system.log_likelihood(one, codes, sentence) + log_prior).double().logsumexp(0) + 2 * math.log(axis[1] - axis[0]))
    return torch.stack(found)


@torch.no_grad()
def mean_bound(system, batch, samples=4000):
    "The bound (2) of each picture, averaged over many posterior samples, and its KL: (B,), (B,)."
    many = {name: t.repeat_interleave(samples, 0) for name, t in batch.items()}
    likelihood, kl = system.bound(many, generator(0, "bound"))
    return (likelihood - kl).double().unflatten(0, (-1, samples)).mean(1), kl.unflatten(0, (-1, samples))[:, 0]


def small(scenes, encoder=None, steps=200, rate=3e-3, **fields):
    "A small system trained on 32×32 pictures; captions through a trained skip-thought encoder, or an LSTM."
    config = VAEConfig(text="skipthought" if encoder else "lstm", network="dense", sentence=64, latent=64, hidden=192, channels=16,
                       word_dim=32, skip_hidden=64)
    texts = [caption for captions in scenes.captions for caption in captions]
    torch.manual_seed(0)
    system = VAE(replace(config, **fields), Vocabulary.build(texts))
    if encoder: system.sentence.load(encoder, texts[:3000])
    plan = TrainConfig(steps=steps, batch_size=64, learning_rate=rate, log_every=steps, sample_every=steps, checkpoint_every=steps)
    with tempfile.TemporaryDirectory() as folder: train(system, scenes, plan, folder)
    return system


@torch.no_grad()
def parts(system, batch, seed=0):
    "Mean squared error summed over a picture, KL and bound of a batch: three numbers."
    batch = batch | dict(zip(("tokens", "lengths"), system.vocabulary.encode(batch["caption"])))
    likelihood, kl = system.bound(batch, generator(seed, "parts"))
    sigma2, n_values = system.config.sigma2, batch["image"][0].numel()
    squared = -(likelihood + n_values / 2 * math.log(2 * math.pi * sigma2)) * 2 * sigma2
    return squared.mean().item(), kl.mean().item(), (likelihood - kl).mean().item()


# cell 88e35061
def test_the_bound_and_the_gap_are_the_log_probability():
    gen = generator(0, "identity")
    prior, likelihood, q = torch.rand(3, 5, generator=gen, dtype=torch.float64)            # p(z), p(x | z) of one x, any q(z)
    prior, q = prior / prior.sum(), q / q.sum()
    log_p = (prior * likelihood).sum().log()                                               # (1)
    posterior = prior * likelihood / log_p.exp()
    kl = lambda a, b: (a * (a / b).log()).sum()
    bound = (q * likelihood.log()).sum() - kl(q, prior)
    torch.testing.assert_close(bound + kl(q, posterior), log_p)                            # (2)
    assert bound < log_p
    torch.testing.assert_close((posterior * likelihood.log()).sum() - kl(posterior, prior), log_p)      # the best q closes the gap



# cell d190aba2
def test_log_likelihood_against_torch():
    gen = generator(0, "gaussian")
    x, m = torch.rand(2, 4, 3, 8, 8, generator=gen)
    for sigma2 in (1.0, 0.01):
        slow = torch.distributions.Normal(m, sigma2**0.5).log_prob(x).sum((1, 2, 3))
        torch.testing.assert_close(gaussian_log_likelihood(x, m, sigma2), slow)
    assert (gaussian_log_likelihood(x, x, 1e-4) > 0).all()                                 # a density may well be above 1



# cell ed7797d6
def test_units_move_the_gaussian_and_bernoulli_is_no_density():
    gen = generator(0, "units")
    x, m = torch.rand(2, 5, 3, 8, 8, generator=gen, dtype=torch.float64)
    for c in (2.0, 255.0):                                                                 # a variance of s on [0, 1] is c² s in the other unit
        moved = gaussian_log_likelihood(c * x, c * m, c**2 * 0.01)
        torch.testing.assert_close(moved, gaussian_log_likelihood(x, m, 0.01) - 192 * math.log(c))      # (5)
    line = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    for mean in (0.01, 0.3, 0.4999, 0.9):
        area = torch.trapezoid(mean**line * (1 - mean)**(1 - line), line).item()
        assert math.isclose(area, (2 * mean - 1) / (math.log(mean) - math.log(1 - mean)), rel_tol=1e-6) and area < 1      # (6)



# cell 7f076603
def test_encoders_and_decoders_have_their_shapes():
    gen = generator(0, "shapes")
    image, sentence = torch.randn(2, 3, 32, 32, generator=gen), torch.randn(2, 5, generator=gen)
    for encoder in (DenseEncoder(32, 5, 16, 7), ConvEncoder(32, 5, [4, 8, 16], 7)):
        mean, log_variance = encoder(image, sentence)
        assert mean.shape == log_variance.shape == (2, 7)
        assert not torch.equal(mean, encoder(image, sentence + 1)[0]) and not torch.equal(mean, encoder(image + 1, sentence)[0])      # both are looked at
    drawn = DenseDecoder(12, 16, 32)(torch.randn(2, 12, generator=gen))
    assert drawn.shape == (2, 3, 32, 32) and drawn.abs().max() <= 1
    layers = mlp(4, 8, 2)
    x = torch.randn(3, 4, generator=gen)
    slow = x
    for k in (0, 2): slow = (slow @ layers[k].weight.T + layers[k].bias).clamp_min(0)
    torch.testing.assert_close(layers(x), slow @ layers[4].weight.T + layers[4].bias)



# cell 184cce0d
def test_sizes_are_those_of_the_fact_sheet():
    words = Vocabulary(["red"])
    base_config = VAEConfig(word_dim=4, skip_hidden=4)                                     # the encoder's own sizes do not matter here
    linear = lambda a, b: a * b + b
    conv = lambda a, b: 16 * a * b + 2 * b                                                 # 4×4, no bias, two numbers of batch norm a map
    dense, convolutional = VAE(replace(base_config, network="dense"), words), VAE(base_config, words)
    assert count_parameters(dense.encoder) == linear(3072 + 256, 1024) + linear(1024, 1024) + linear(1024, 200)
    assert count_parameters(dense.decoder) == linear(100 + 256, 1024) + linear(1024, 1024) + linear(1024, 3072)
    assert count_parameters(convolutional.encoder) == conv(3, 64) + conv(64, 128) + conv(128, 256) + linear(4096 + 256, 200)
    assert count_parameters(convolutional.decoder) == 356 * 4096 + 2 * 256 + conv(256, 128) + conv(128, 64) + 16 * 64 * 3 + 3



# cell 52631280
def test_every_variant_trains_draws_and_survives_its_folder():
    texts = ["a red ball", "a blue ball"]
    vocabulary = Vocabulary.build(texts)
    tokens, lengths = vocabulary.encode(texts)
    batch = {"tokens": tokens, "lengths": lengths, "image": torch.rand(2, 3, 16, 16, generator=generator(0, "pictures")) * 2 - 1, "progress": 0.5}
    for network, text in [("conv", "skipthought"), ("dense", "skipthought"), ("conv", "lstm"), ("dense", "lstm")]:
        torch.manual_seed(0)
        sizes = {"sentence": 6, "latent": 5, "hidden": 8, "channels": 4, "word_dim": 4, "skip_hidden": 4}
        system = VAE(VAEConfig(image_size=16, network=network, text=text, **sizes), vocabulary)
        losses = system.training_step(batch, generator(0, "step"))
        losses["loss"].backward()
        moved = {id(p) for p in system.players()["loss"]}
        assert all((p.grad is not None) == (id(p) in moved) for p in system.parameters())
        frozen = {name for name, p in system.named_parameters() if id(p) not in moved}
        assert all(name.startswith("sentence.encoder.") or "bias_hh" in name for name in frozen) and (text == "lstm" or len(frozen) > 10)
        with tempfile.TemporaryDirectory() as folder:
            system.save(folder, half=False)
            again = VAE.load(folder)
        pictures = system.generate(["a red ball"], n=2)
        assert torch.equal(again.generate(["a red ball"], n=2), pictures)
        assert pictures.shape == (1, 2, 3, 16, 16) and 0 <= pictures.min() and pictures.max() <= 1
        assert not torch.equal(pictures[0, 0], pictures[0, 1]) and not torch.equal(system.generate(["a blue ball"], n=2), pictures)
        with torch.no_grad():                                                              # bound and reconstruction use one sample
            (likelihood, kl), (drawn, same_kl) = system.eval().bound(batch, generator(0, "z")), system.reconstruct(batch, generator(0, "z"))
        torch.testing.assert_close(gaussian_log_likelihood(to_unit(batch["image"]), drawn, system.config.sigma2), likelihood)
        torch.testing.assert_close(kl, same_kl)



# cell f880ccdf
def test_wrong_choices_are_named():
    words = Vocabulary(["red"])
    for wrong, told in [({"network": "cnn"}, "unknown network"), ({"text": "skip-thought"}, "did you mean 'skipthought'"),
                        ({"sigma2": 0.0}, "greater than 0"), ({"image_size": 48}, "side 48")]:
        assert told in complaint(VAE, VAEConfig(**wrong), words)



# cell 957dc469
def test_bound_lies_below_the_integral_and_importance_sampling_reaches_it():
    system, batch = plane()
    exact, (bound, kl) = by_grid(system, batch), mean_bound(system, batch)
    assert (kl > 1).all()                                                                  # a posterior that says something
    assert (bound < exact + 0.02).all() and (bound < exact - 0.01).any()
    torch.testing.assert_close(by_grid(system, batch, side=91), exact, atol=0.01, rtol=0)      # the grid is fine enough
    many = {name: v.repeat_interleave(400, 0) for name, v in batch.items()}                # 400 estimates of 100 samples make one of 40,000
    estimate = importance_estimate(system, many, generator(0, "many"), 100).double().unflatten(0, (4, 400)).logsumexp(1) - math.log(400)
    torch.testing.assert_close(estimate, exact, atol=0.05, rtol=0)
    ones = importance_estimate(system, many, generator(0, "ones"), 1).double().unflatten(0, (4, 400)).mean(1)
    torch.testing.assert_close(ones, bound, atol=0.2, rtol=0)                              # K = 1 is the bound, on average



# cell bc2fa74e
def test_kl_against_monte_carlo():
    system, batch = plane(60)
    with torch.no_grad():
        mean, log_variance = system.encoder(batch["image"], system.read(batch["tokens"], batch["lengths"]))
        kl = system.bound(batch, generator(0, "bound"))[1]
    q, prior = torch.distributions.Normal(mean, (log_variance / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    torch.manual_seed(0)
    z = q.sample((40_000,))
    torch.testing.assert_close((q.log_prob(z) - prior.log_prob(z)).sum(2).mean(0), kl, atol=0.03, rtol=0)



# cell 24ff1189
def test_a_linear_autoencoder_switches_directions_off():
    variances, sigma2 = torch.tensor([4.0, 1.5, 0.5, 0.1], dtype=torch.float64), 1.0
    gen = generator(0, "linear")
    W, A = (0.3 * torch.randn(4, 4, generator=gen, dtype=torch.float64) for _ in range(2))
    log_s = torch.zeros(4, dtype=torch.float64)
    for p in (W, A, log_s): p.requires_grad_()
    C, eye, optimiser = variances.diag(), torch.eye(4, dtype=torch.float64), torch.optim.Adam([W, A, log_s], lr=0.02)
    for _ in range(1500):                                                                  # the bound averaged over x ~ N(0, C) and q = N(Ax, s), by hand
        error = ((eye - W @ A) @ C @ (eye - W @ A).T).trace() + (W.square() * log_s.exp()).sum()
        kl = 0.5 * (log_s.exp() + (A @ C @ A.T).diagonal() - 1 - log_s).sum()
        bound = -error / (2 * sigma2) - 2 * math.log(2 * math.pi * sigma2) - kl
        optimiser.zero_grad(); (-bound).backward(); optimiser.step()
    assert math.isclose(kl.item(), 0.5 * math.log(4.0 * 1.5), rel_tol=1e-3)                # (8): two directions of four
    assert torch.linalg.matrix_rank(W.detach(), atol=0.05) == 2
    exact = -0.5 * (4 * math.log(2 * math.pi) + torch.log(variances.clamp_min(1)).sum() + (variances / variances.clamp_min(1)).sum())
    torch.testing.assert_close(bound.detach(), exact, atol=1e-3, rtol=0)                   # here the bound is tight



# cell e3f56957
def test_the_variance_decides_whether_the_code_is_used():
    scenes = load_dataset("scenes", "train", size=32, n=200)
    blunt, sharp = (small(scenes, steps=50, hidden=64, sigma2=sigma2) for sigma2 in (100.0, 0.01))
    batch = scenes.batch(torch.arange(200))
    assert parts(blunt, batch)[1] < 0.5 and parts(sharp, batch)[1] > 10



# cell 30b98e01
def test_the_published_networks_follow_captions():
    found = {(r["config"]["network"], r["seed"]): r["metrics"] for r in published() if r["system"] == "vae" and r["profile"] == "laptop"}
    assert {network for network, _ in found} == {"conv", "dense"}
    for (network, seed), metrics in found.items():
        if network == "conv": assert metrics["faithfulness"]["value"] > found["dense", seed]["faithfulness"]["value"] + 0.03       # the verdict below
        for attribute in ("background", "colour", "count"):
            score = metrics[f"faithfulness_{attribute}"]
            assert score["value"] > score["protocol"]["chance"] + 0.2, attribute
        assert metrics["mse"]["value"] < metrics["mse_mean_picture"]["value"] and metrics["recall_ratio_10"]["value"] > 0.2
