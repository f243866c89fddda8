"""Checks of nbs/20b_contrast.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from collections.abc import Iterator
from matplotlib import pyplot as plt
from t2ibook.contrast import (
    Matcher,
    Onlooker,
    Teller,
    Watcher,
    contrast_loss,
    eyes,
    recoloured,
)
from t2ibook.core import InputError
from t2ibook.core import generator
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.layers import DownBlock
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.reports import markdown_table
from t2ibook.systems.sentences import encode_captions
from t2ibook.text.tokens import PAD, Vocabulary
from t2ibook.trying import complaint
from t2ibook.worlds.blossoms import write_flower
from torch import Tensor, nn
from torch.nn import functional as F
import math
import random
import torch


# cell 46e967e5
def test_the_loss_is_the_formula():
    s = 3 * torch.randn(5, 9, generator=generator(0, "s"), dtype=torch.float64)
    for i, loss in enumerate(contrast_loss(s).tolist()):
        assert abs(loss + math.log(math.exp(s[i, i]) / sum(math.exp(s[i, j]) for j in range(9)))) < 1e-12                        # (1)
    assert abs(contrast_loss(torch.zeros(4, 16)).mean().item() - math.log(16)) < 1e-6                                           # guessing
    s = s.requires_grad_()
    contrast_loss(s).sum().backward()
    own = torch.eye(5, 9, dtype=torch.bool)
    assert (s.grad[own] < 0).all() and (s.grad[~own] > 0).all() and s.grad.sum(1).abs().max() < 1e-12                          # what the own one gains the others lose
    assert "a sentence each" in complaint(contrast_loss, torch.zeros(3, 2))



# cell 03a72832
def test_similarities_are_cosines():
    torch.manual_seed(0)
    matcher = Matcher(3 * 4 * 4, 7, code=6, temperature=0.5)
    maps, said = torch.randn(4, 3, 4, 4, generator=generator(0, "maps")), torch.randn(9, 7, generator=generator(0, "said"))
    s = matcher(maps, said)
    seen, heard = matcher.see(maps.flatten(1)), matcher.hear(said)
    torch.testing.assert_close(s, F.cosine_similarity(seen[:, None], heard[None], dim=2) / 0.5)
    assert s.shape == (4, 9) and s.abs().max() <= 2
    with torch.autocast("cpu", torch.bfloat16): rounded = matcher(maps, said)
    assert rounded.dtype == torch.float32 and (rounded - s).abs().max() < 0.1



# cell f4729644
def test_the_bound_holds():
    kinds, N = 6, 40                                   # six kinds of pictures, each with its own sentence: log 6 nats in common
    gen = generator(0, "kinds")
    sure = torch.eye(kinds) * 50                       # a perfect matcher
    found = []
    for _ in range(200):
        drawn = torch.randint(kinds, (N,), generator=gen)
        found.append(contrast_loss(sure[drawn[:10]][:, drawn]).mean().item())
    known = math.log(N) - sum(found) / len(found)
    assert math.log(kinds) - 0.1 < known <= math.log(kinds)                                                                    # (2), nearly reached



# cell a8e1366f
def test_a_word_costs_its_surprise():
    torch.manual_seed(0)
    teller, gen = Teller(8, 6, before=2, word_dim=3, hidden=5), generator(0, "maps")
    maps, tokens, lengths = torch.randn(2, 2, 2, 2, generator=gen), torch.tensor([[3, 4, 5, 2], [5, 2, 0, 0]]), torch.tensor([4, 2])
    for row, n, cost in zip(range(2), lengths.tolist(), teller(maps, tokens, lengths).tolist()):
        said, by_hand = [0, 0, *tokens[row].tolist()], 0.0
        for t in range(n):
            hidden = teller.see(maps[row].flatten()) + teller.hear(teller.word(torch.tensor(said[t:t + 2])).flatten())
            by_hand -= teller.say(hidden).log_softmax(0)[said[t + 2]].item()                                                     # (3)
        assert abs(cost - by_hand) < 1e-5
    longer = teller(maps, F.pad(tokens, (0, 3)), lengths)
    torch.testing.assert_close(longer, teller(maps, tokens, lengths))                                                            # padding costs nothing



# cell 3c1be90a
def test_other_colours_are_the_same_picture():
    images = torch.randn(60, 3, 4, 4, generator=generator(0, "images"))
    turned = recoloured(images, generator(0, "turn"), share=0.5)
    orders = [tuple(next(k for k in range(3) if torch.equal(new[c], old[k])) for c in range(3)) for old, new in zip(images, turned)]
    assert all(sorted(order) == [0, 1, 2] for order in orders) and len(set(orders)) == 6
    assert 25 <= sum(order == (0, 1, 2) for order in orders) <= 48                                             # a half, and a sixth of the rest
    assert torch.equal(recoloured(images, generator(0, "turn"), share=0.0), images) and torch.equal(recoloured(images, generator(0, "turn")), turned)



# cell 90e67817
def test_an_onlooker_learns_and_then_only_looks():
    torch.manual_seed(0)
    onlooker, gen = Onlooker(5, side=16, channels=8), generator(0, "pairs")
    kinds = torch.eye(5)[torch.arange(20) % 5]                                 # five kinds of pictures, a grey each, and their sentences
    pictures = ((torch.arange(20) % 5 - 2) / 2)[:, None, None, None] * torch.ones(20, 3, 16, 16)
    batch, optimiser, spent = {"image": pictures, "sentence": kinds, "crowd": kinds[:5]}, torch.optim.Adam(onlooker.parameters(), 1e-2), []
    for _ in range(60):
        loss = onlooker.train()(batch, gen)["loss"]
        optimiser.zero_grad(); loss.backward(); optimiser.step(); spent.append(loss.item())
    assert spent[0] > math.log(5) and spent[-1] < math.log(5) + 0.2            # five sentences of 25 are the same: no loss below log 5
    onlooker.freeze().train()
    assert not onlooker.training and not onlooker.eyes[2].training and not any(p.requires_grad for p in onlooker.parameters())
    drawn = pictures.clone().requires_grad_()
    (own, silent), (other, _) = onlooker.costs(drawn, kinds), onlooker.costs(pictures, kinds.roll(1, 0))
    assert own.shape == (20,) and (own < other - 1).all() and silent is None
    own.sum().backward()
    assert drawn.grad.abs().max() > 0
    torch.testing.assert_close(onlooker.costs(F.interpolate(pictures, scale_factor=2), kinds)[0], own.detach(), atol=1e-4, rtol=0)         # larger pictures
    assert not any(name.startswith("teller") for name, _ in onlooker.named_parameters())



# cell e5490767
def test_an_onlooker_can_tell():
    torch.manual_seed(0)
    greys = ["black", "dark", "grey", "light", "white"]
    onlooker, gen = Onlooker(5, side=16, channels=8, words=greys), generator(0, "pairs")
    kinds = torch.eye(5)[torch.arange(20) % 5]                                 # as above, and now each kind has a word
    pictures = ((torch.arange(20) % 5 - 2) / 2)[:, None, None, None] * torch.ones(20, 3, 16, 16)
    batch = {"image": pictures, "sentence": kinds, "crowd": kinds[:5], "caption": [greys[i % 5] for i in range(20)]}
    optimiser = torch.optim.Adam(onlooker.parameters(), 1e-2)
    for _ in range(60):
        loss = onlooker.train()(batch, gen)["loss"]
        optimiser.zero_grad(); loss.backward(); optimiser.step()
    assert loss < math.log(5) + 0.3                                            # log 5 is left of (1), and next to nothing of (3)
    onlooker.freeze()
    wrong = batch["caption"][1:] + batch["caption"][:1]
    right, other = (onlooker.costs(pictures, kinds, said)[1] for said in (batch["caption"], wrong))
    assert right.max() < 0.5 and (other > right + 1).all()
    drawn = pictures.clone().requires_grad_()
    onlooker.costs(drawn, kinds, wrong)[1].sum().backward()
    assert (drawn.grad.flatten(1).abs().amax(1) > 0).all()                     # every picture is told what to change
    assert "needs the captions" in complaint(onlooker.costs, pictures, kinds)
