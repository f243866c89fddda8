"""Checks of nbs/20c_witnesses.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from matplotlib import pyplot as plt
from t2ibook.contrast import Onlooker, Teller, Watcher, eyes
from t2ibook.core import InputError, generator
from t2ibook.datasets import load_dataset
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.reports import markdown_table
from t2ibook.text.tokens import PAD, UNK, Vocabulary, tokenize
from t2ibook.training import TrainConfig, train
from t2ibook.trying import complaint
from t2ibook.witnesses import (
    Panel,
    Witness,
    Witnesses,
    colourless,
    exam_rows,
    frames,
    recombined,
)
from t2ibook.worlds.blossoms import write_flower
from torch import Tensor
from torch.nn import functional as F
import random
import tempfile
import torch


# cell b4f14522
def test_a_witness_guesses_with_its_eyes_shut():
    torch.manual_seed(0)
    known, gen = Vocabulary(["a", "red", "blue", "flower"]), generator(0, "pictures")
    witness = Witness(known, side=16, channels=8).freeze()
    images, said = torch.randn(4, 3, 16, 16, generator=gen), ["a red flower", "a blue flower", "a flower", "red"]
    tokens, nats = witness.costs(images, said)
    torch.testing.assert_close(nats, witness.teller.each(witness.eyes(images), *known.encode(said)))
    shut = witness.costs(images, said, looks=torch.zeros(4))[1]
    torch.testing.assert_close(shut, witness.costs(images.flip(0), said, looks=torch.zeros(4))[1])                    # nothing of the picture is left
    assert (witness.costs(images.flip(0), said)[1] - nats).abs().max() > 1e-3
    torch.testing.assert_close(witness.costs(F.interpolate(images, scale_factor=2), said)[1], nats, atol=1e-5, rtol=0)    # larger pictures are reduced
    drawn = images.clone().requires_grad_()
    witness.train().costs(drawn, said)[1].sum().backward()
    assert not witness.training and drawn.grad.flatten(1).abs().amax(1).min() > 0 and all(p.grad is None for p in witness.parameters())
    veiled = Witness(known, side=16, channels=8).freeze().veil(torch.tensor([w in ("red", "blue") for w in known.words]))
    tokens, nats = veiled.costs(images, said)
    assert (nats[veiled.veiled[tokens]] == 0).all() and (nats[:3, 0] > 0).all()                                       # it does not say them, …
    torch.testing.assert_close(veiled.costs(images[:1], ["a red flower"])[1][0, 2], veiled.costs(images[:1], ["a blue flower"])[1][0, 2])      # … nor hears which it was



# cell 519339bc
def test_looking_saves_what_the_picture_tells():
    class Lamps:
        "Pictures that are dark or light, and say so; the word in front is of no use."
        def __init__(self, n): self.on = torch.arange(n) % 2
        def __len__(self): return len(self.on)
        def batch(self, rows, gen):
            on = self.on[rows]
            return {"image": (2.0 * on - 1)[:, None, None, None].expand(-1, 3, 16, 16).contiguous(), "caption": [f"it is {('dark', 'light')[k]}" for k in on.tolist()]}


    torch.manual_seed(0)
    witness, lamps = Witness(Vocabulary(["it", "is", "dark", "light", "never"]), side=16, channels=8), Lamps(40)
    optimiser = torch.optim.Adam(witness.parameters(), 2e-3)
    for step in range(120):
        loss = witness(lamps.batch(torch.arange(40), None), generator(0, "lamps", step))["loss"]
        optimiser.zero_grad(); loss.backward(); optimiser.step()
    saved, met = witness.freeze().saved(lamps)
    of = {w: saved[k].item() for k, w in enumerate(witness.known.words)}
    assert min(of["dark"], of["light"]) > 0.5 and abs(of["is"]) < 0.1 and met.tolist()[3:] == [40, 40, 20, 20, 0]              # half a bit each at least; log 2 if it guesses well
    assert [w for w, yes in zip(witness.known.words, witness.examine(lamps).asked.tolist()) if yes] == ["dark", "light"]
    assert not witness.examine(lamps, fewest=21).asked.any()                                                          # too seldom met to be sure



# cell 8538d61a
def test_the_exam_is_of_other_classes_and_of_all_words():
    captions = [[f"kind{k} thing{k % 3}", "one word"] for k in range(12) for _ in range(5)]
    classes = torch.arange(12).repeat_interleave(5)
    kept = exam_rows(captions, classes)
    out, inside = set(classes[kept].tolist()), set(classes[~kept].tolist())
    assert not out & inside and len(out) == 2 and kept.sum() == 10 and len({k % 3 for k in out}) == 2                 # two of twelve, and not of one thing
    assert torch.equal(kept, exam_rows(captions, classes)) and "of one class" in complaint(exam_rows, captions, classes * 0)



# cell 8da4bfb7
def test_no_shade_means_anything():
    images = torch.rand(6, 3, 8, 8, generator=generator(0, "images"))
    grey = colourless(images, generator(1, "mix"))
    assert grey.shape == (6, 1, 8, 8) and grey.mean((1, 2, 3)).abs().max() < 1e-5 and (grey.std((2, 3)) - 1).abs().max() < 0.1
    mixtures = torch.randn(6, 3, 1, 1, generator=generator(1, "mix"))
    plain = (images * mixtures).sum(1, keepdim=True)
    torch.testing.assert_close(grey, (plain - plain.mean((2, 3), keepdim=True)) / (plain.std((2, 3), keepdim=True) + 0.01))
    assert torch.equal(grey, colourless(images, generator(1, "mix"))) and not torch.allclose(grey, colourless(images, generator(2, "mix")))
    stripes = torch.tensor([[2.0, 6.0, 4.0], [9.0, 1.0, 5.0]])[:, :, None, None] * torch.tensor([0.0, 1.0])[None, None, None].repeat(1, 1, 4, 2)
    a, b = colourless(stripes, generator(3, "mix"))
    assert torch.equal(a.sign(), b.sign()) or torch.equal(a.sign(), -b.sign())       # two colours, one pattern: they differ in sign at most
    flat = colourless(torch.ones(1, 3, 4, 4), generator(0, "mix"))
    assert flat.isfinite().all() and flat.abs().max() < 1e-3                         # nothing to see is no error



# cell 87af4a24
def test_two_witnesses_share_the_words():
    torch.manual_seed(0)
    two, gen = Witnesses(["a", "red", "blue", "round", "flower"], side=16, channels=8).freeze(), generator(0, "pictures")
    images, said = torch.randn(3, 3, 16, 16, generator=gen), ["a red round flower", "a round flower", "a blue flower"]
    red_or_blue = torch.tensor([w in ("red", "blue") for w in two.known.words])
    two.colour.asked &= red_or_blue
    two.grey.veil(two.colour.asked)
    nothing, told = two.costs(images, None, said, generator(1, "mix"))
    (tokens, seen), (_, in_grey) = two.colour.costs(images, said), two.grey.costs(images, said, generator(1, "mix"))
    assert nothing is None and not ((seen > 0) & (in_grey > 0)).any() and ((seen > 0) == red_or_blue[tokens]).all()               # each word is asked of one at most
    torch.testing.assert_close(told, (seen + in_grey).sum(1))
    drawn = images.clone().requires_grad_()
    two.train().costs(drawn, None, said, generator(1, "mix"))[1].sum().backward()
    assert not two.training and not two.grey.training and drawn.grad.flatten(1).abs().amax(1).min() > 0
    assert "need the captions" in complaint(two.costs, images, None)



# cell ec5e64f8
def test_new_sentences_are_made_of_known_frames():
    corpus = ["a red round flower", "a blue round flower", "a blue thin flower", "the flower is red"]
    between = frames(corpus)
    assert between["a", "round"] == (["red", "blue"], [1, 1]) and between["", "blue"] == (["a"], [2]) and between["is", ""] == (["red"], [1])
    made = {recombined("a red round flower", between, random.Random(k)) for k in range(200)}
    assert made == {"a red round flower", "a blue round flower", "a blue thin flower"}                   # *red* and *thin* never meet: no frame leads there
    assert {recombined("a red round flower", between, random.Random(k), share=0.0) for k in range(9)} == {"a red round flower"}
    assert recombined("Seven green, old hats", between, random.Random(0)) == "seven green old hats"      # what no frame holds stays
    assert recombined(corpus[0], between, random.Random(5)) == recombined(corpus[0], between, random.Random(5))
    often = frames(["a red flower"] * 3 + ["a blue flower"])
    share = sum(recombined("a red flower", often, random.Random(k), share=1.0) == "a blue flower" for k in range(2000)) / 2000
    assert abs(share - 0.25) < 0.04                                                                      # as often as they stand there



# cell 9d81f73a
def test_each_tells_the_sentences_it_can_be_trusted_with():
    torch.manual_seed(0)
    panel, gen = Panel(6, ["a", "red", "blue", "round", "flower"], side=16, channels=8).freeze(), generator(0, "pictures")
    images, said, sentences = torch.randn(3, 3, 16, 16, generator=gen), ["a red round flower", "a round flower", "a blue flower"], torch.randn(5, 6, generator=gen)
    found, told = panel.costs(images, sentences, said, generator(1, "mix"), made=1)
    torch.testing.assert_close(told[:1], panel.witnesses.costs(images[:1], None, said[:1], generator(1, "mix"))[1])
    by_onlooker = panel.onlooker.costs(images[1:], sentences[1:], said[1:])
    torch.testing.assert_close(found, by_onlooker[0]); torch.testing.assert_close(told[1:], by_onlooker[1])
    none_made, all_made = (panel.costs(images, sentences, said, generator(1, "mix"), made=n) for n in (0, 3))
    torch.testing.assert_close(none_made[1], panel.onlooker.costs(images, sentences, said)[1])
    torch.testing.assert_close(all_made[1], panel.witnesses.costs(images, None, said, generator(1, "mix"))[1])
    assert len(none_made[0]) == 3 and len(all_made[0]) == 0 and "need" in complaint(panel.costs, images, sentences)
