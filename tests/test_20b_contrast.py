"""Checks of nbs/20b_contrast.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from matplotlib import pyplot as plt
from t2ibook.contrast import (
    Matcher,
    contrast_loss,
)
from t2ibook.core import InputError
from t2ibook.core import generator
from t2ibook.datasets import load_dataset
from t2ibook.layers import DownBlock
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.trying import complaint
from torch import Tensor, nn
from torch.nn import functional as F
import math
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
