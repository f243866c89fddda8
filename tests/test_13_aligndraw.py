"""Checks of nbs/13_aligndraw.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Image as Animation
from PIL import Image, ImageDraw
from dataclasses import dataclass
from matplotlib import pyplot as plt
from t2ibook.bounds import LIKELIHOODS, bounds_table
from t2ibook.core import InputError, check_choice
from t2ibook.core import generator
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.evaluation import load_samples
from t2ibook.layers import count_parameters
from t2ibook.pictures import label_font, picture_sheet, to_uint8
from t2ibook.records import published
from t2ibook.repeated import lstm_pointwise, tanh
from t2ibook.systems.aligndraw import (
    AlignDraw,
    AlignDrawConfig,
    Alignment,
    CONTEXTS,
    LANGUAGES,
    Language,
    Memory,
    alignment_frames,
    alignment_strip,
    most_followed,
    watch,
    word_kinds,
    word_weights,
)
from t2ibook.systems.draw import Draw, DrawConfig, Painting, glimpse_frames
from t2ibook.text.skipthought import SkipSentence
from t2ibook.text.tokens import Vocabulary, tokenize
from t2ibook.training import TrainConfig
from t2ibook.training import read_log
from t2ibook.worlds import load_world
from torch import Tensor, nn
from torch.nn import functional as F
from typing import ClassVar, NamedTuple
import io
import math
import torch


def tiny(**switches) -> AlignDraw:
    "A small painter with fixed random weights."
    torch.manual_seed(3)
    config = AlignDrawConfig(**{"image_size": 4, "channels": 1, "n_glimpses": 2, "hidden": 5, "latent": 1, "read_size": 2, "write_size": 2, "language_hidden": 3,
                                "align": 4, "skip_words": 4, "skip_hidden": 4} | switches)
    return AlignDraw(config, Vocabulary(["a", "red", "bus", "sky"]))


def batch_of(system: AlignDraw, captions: list[str]) -> dict:
    "Random pictures with these captions."
    size = system.config.image_size
    tokens, lengths = system.vocabulary.encode(captions)
    return {"image": torch.rand(len(captions), 3, size, size, generator=generator(0, "pictures")) * 2 - 1, "tokens": tokens, "lengths": lengths}


# cell e79a921e
def test_the_two_lstms_are_those_of_torch():
    torch.manual_seed(0)
    ours, theirs = Language(7, 5), nn.LSTM(7, 5, batch_first=True, bidirectional=True)
    order = [0, 1, 3, 2]                                       # torch sorts its gates i, f, candidate, o
    sort = lambda w: torch.cat([w.chunk(4)[k] for k in order])
    with torch.no_grad():
        for d, end in enumerate(("", "_reverse")):
            ours.words[d].copy_(sort(getattr(theirs, f"weight_ih_l0{end}")).T)
            ours.recurrent[d].copy_(sort(getattr(theirs, f"weight_hh_l0{end}")).T)
            ours.bias[d].copy_(sort(getattr(theirs, f"bias_ih_l0{end}") + getattr(theirs, f"bias_hh_l0{end}")))
    tokens, lengths = torch.tensor([[3, 1, 4, 6], [5, 2, 0, 0]]), torch.tensor([4, 2])
    states = ours(tokens, lengths)
    for i, n in enumerate(lengths.tolist()):
        expected, _ = theirs(F.one_hot(tokens[i:i + 1, :n], 7).float())
        torch.testing.assert_close(states[i, :n], expected[0])



# cell d9b8b17c
def test_other_captions_of_the_batch_do_not_matter():
    torch.manual_seed(0)
    tokens, lengths = torch.randint(3, 9, (4, 5)), torch.full((4,), 5)
    mixed = torch.tensor([0, 2, 3, 1])                         # the first caption stays, the others change places
    for kind in LANGUAGES:
        reader = Language(9, 6, kind)
        unchanged = torch.allclose(reader(tokens, lengths)[0], reader(tokens[mixed], lengths)[0])
        assert unchanged == (kind != "as_released")



# cell 4c9bd6a6
def test_weights_are_a_distribution_over_true_words():
    torch.manual_seed(0)
    align, words, state = Alignment(6, 4, 8), torch.randn(2, 5, 6), torch.randn(2, 4)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    weights = align(align.keys(words), mask, align.from_state(state))
    assert torch.allclose(weights.sum(1), torch.ones(2)) and (weights[1, 2:] == 0).all() and (weights[0] > 0).all()
    for b in range(2):
        U, W, bias, v = align.from_words.weight, align.from_state.weight, align.from_state.bias, align.score.weight[0]
        e = [(v * torch.tanh(U @ words[b, j] + W @ state[b] + bias)).sum().item() for j in range(int(mask[b].sum()))]
        slow = [math.exp(x) / sum(math.exp(y) for y in e) for x in e]
        assert torch.allclose(weights[b, :len(slow)], torch.tensor(slow), atol=1e-6)



# cell 69b916f9
def test_sizes_are_those_of_the_paper():
    assert count_parameters(AlignDraw.example("paper")) == 33_098_147
    assert count_parameters(AlignDraw.example("paper-digits")) == 2_371_746
    assert AlignDraw.likelihood == LIKELIHOODS[0] and Draw.likelihood == LIKELIHOODS[2]



# cell a4c1bddd
def test_a_painter_of_zeros():
    system = AlignDraw(AlignDrawConfig(n_glimpses=3, hidden=8, latent=4, language_hidden=4, align=4), Vocabulary(["a", "bus"]))
    for p in system.parameters(): nn.init.zeros_(p)
    log_likelihood, kl = system.bound(batch_of(system, ["a bus", "a"]), generator(0, "bound"))
    assert torch.allclose(log_likelihood, torch.full((2,), -3072 * math.log(2))) and torch.equal(kl, torch.zeros(2))



# cell b93e698d
def test_the_bound_lies_below_the_likelihood():
    system = tiny()
    batch = batch_of(system, ["a red bus"])
    bounds = torch.stack([torch.sub(*system.bound(batch, generator(k, "bound"))) for k in range(400)])
    axis = torch.linspace(-6, 6, 61)                                                 # z of both glimpses by brute force, as deviations from the prior
    noise = torch.cartesian_prod(axis, axis)[:, :, None]                             # (3721, T, 1)
    weight = (-noise.square().sum((1, 2)) / 2).double().exp() / (2 * math.pi) * (axis[1] - axis[0]).item() ** 2
    tokens, lengths = (t.expand(len(noise), *t.shape[1:]) for t in (batch["tokens"], batch["lengths"]))
    with torch.no_grad(): canvas = system.unroll(noise, memory=system.memory(tokens, lengths)).canvas
    rows = system.rows(batch["image"]).expand_as(canvas)
    likelihood = -F.binary_cross_entropy_with_logits(canvas, rows, reduction="none").flatten(1).sum(1).double()
    exact = (weight * likelihood.exp()).sum().log()
    assert abs(weight.sum() - 1) < 1e-3
    assert bounds.mean() < exact and exact - bounds.mean() < 0.5



# cell 35ef6c0f
def test_neighbours_in_the_batch_do_not_matter():
    for context in CONTEXTS:
        system = tiny(context=context)
        both, alone = batch_of(system, ["a red bus", "sky"]), batch_of(system, ["a red bus"])
        noise = torch.randn(2, *system.noise_shape(), generator=generator(0, "noise"))
        with torch.no_grad():
            together = system.unroll(noise, system.rows(both["image"]), system.memory(both["tokens"], both["lengths"])).canvas[:1]
            single = system.unroll(noise[:1], system.rows(alone["image"]), system.memory(alone["tokens"], alone["lengths"])).canvas
        torch.testing.assert_close(together, single, atol=1e-5, rtol=1e-5)



# cell 56a4feb8
def test_every_switch_trains():
    for switches in ({"context": "mean"}, {"context": "skipthought"}, {"context": "none"}, {"prior": "standard"}, {"language": "as_released"}, {"grid": "as_released"}):
        system = tiny(**switches)
        losses = system.training_step(batch_of(system, ["a red bus", "sky"]), generator(0, "step"))
        losses["loss"].backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in system.players()["loss"]), switches
        assert torch.allclose(losses["loss"], losses["reconstruction"] + losses["kl"])



# cell 7b999c51
def test_words_state_what_goes_with_them():
    scenes = load_world("scenes")
    caption = "a red school bus parked on the green grass"
    assert [sorted(s) for s in word_kinds(caption, scenes)][1] == ["colour"] and "object" in word_kinds(caption, scenes)[3]
    system = AlignDraw(AlignDrawConfig(n_glimpses=2, hidden=8, latent=4, language_hidden=4, align=4), Vocabulary.build([caption]))
    followed, share = most_followed(system, [caption, "two cars"], scenes, ("colour", "object"))
    assert followed.shape == share.shape == (2,) and 0 < share[0] < 1
    drawn = watch(system, [caption], seed=4)[0].pictures()
    assert torch.allclose(drawn, system.generate([caption], seed=4)[:, 0], atol=1e-6)
    assert len(alignment_frames(system, caption)) == 2 and alignment_strip(system, caption).width > 0
    try: alignment_strip(tiny(context="mean"), "a red bus"); message = ""
    except InputError as error: message = str(error)
    assert "does not choose among words" in message
