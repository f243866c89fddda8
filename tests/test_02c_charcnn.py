"""Checks of nbs/02c_charcnn.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from dataclasses import dataclass
from dataclasses import replace
from t2ibook.core import InputError, check_choice
from t2ibook.core import generator
from t2ibook.layers import count_parameters
from t2ibook.text.charcnn import (
    ALPHABET,
    CHAR_PRESETS,
    CharCNNRNN,
    CharConfig,
    NUMBERS,
    StepGRU,
    StepRNN,
    char_numbers,
    draw_classes,
    joint_embedding_loss,
)
from t2ibook.text.encoders import SentenceEncoder
from t2ibook.worlds.blossoms import Blossoms
from torch import Tensor, nn
import matplotlib.pyplot as plt
import torch


def slow_states(cell, pieces):
    "The states of one caption (T, C) by (2) or (3), a number at a time where it matters: plain vectors and loops."
    size, W, b, U, c = pieces.shape[1], cell.inner.weight, cell.inner.bias, cell.outer.weight, cell.outer.bias
    part = lambda M, k: M[k * size:(k + 1) * size]
    states = []
    for t, x in enumerate(pieces):
        if cell.gates == 1:
            h = W @ x + b if t == 0 else W @ x + b + U @ states[-1] + c
            states.append(torch.tensor([max(0.0, v) for v in h.tolist()]))
        elif t == 0: states.append(torch.tanh(part(W, 2) @ x + part(b, 2)))
        else:
            old = states[-1]
            r, z = (torch.sigmoid(part(W, k) @ x + part(b, k) + part(U, k) @ old + part(c, k)) for k in (0, 1))
            new = torch.tanh(part(W, 2) @ x + part(b, 2) + part(U, 2) @ (r * old) + part(c, 2))
            states.append(torch.stack([(1 - z[i]) * old[i] + z[i] * new[i] for i in range(size)]))
    return torch.stack(states)


def slow_loss(v, h, labels=None, same_class="negative"):
    "(5) by two loops over numbers."
    n, total = len(v), 0.0
    for i in range(n):
        for j in range(n):
            if i == j or (labels is not None and same_class == "skip" and labels[i] == labels[j]): continue
            own, a, b = float(v[i] @ h[i]), float(v[i] @ h[j]), float(v[j] @ h[i])
            total += max(0.0, 1 + a - own) + max(0.0, 1 + b - own)
    return total / n**2


def two_sayings(n, seed, split="train"):
    "Two captions each of `n` flowers, and the species."
    world = Blossoms()
    specs = world.specs(n, seed, split)
    captions = world.captions(specs, seed, per_picture=2)
    return [c[0] for c in captions], [c[1] for c in captions], specs[world.label_attribute]


def train_on_text(encoder, steps, batch=40, seed=0, classes=82, replacement=False, same_class="refuse", rate=2e-3):
    "Train in place on pairs of captions with (5), by Adam, on some of the species; the losses."
    first, second, species = two_sayings(2000, seed)
    by_class = [(species == s).nonzero().flatten() for s in species.unique()[:classes]]
    optimiser, losses = torch.optim.Adam(encoder.parameters(), lr=rate), []
    for step in range(steps):
        rows = draw_classes(by_class, batch, generator(seed, "pairs", step), replacement)
        a, b = (encoder.sentences([side[i] for i in rows.tolist()]) for side in (first, second))
        loss = joint_embedding_loss(a, b, species[rows], same_class)
        optimiser.zero_grad(); loss.backward(); optimiser.step()
        losses.append(loss.item())
    return losses


def found(encoder, n=400):
    "Share of test flowers whose second caption ranks the first caption's species on top: captions of species never trained on."
    first, second, species = two_sayings(n, 1, "test")
    kinds = species.unique()
    a, b = encoder.encode(first), encoder.encode(second)
    prototypes = torch.stack([a[species == s].mean(0) for s in kinds])
    return (kinds[(b @ prototypes.T).argmax(1)] == species).float().mean().item()


# cell e5aef496
def test_alphabet_of_seventy_places_and_69_signs():
    assert len(ALPHABET) == 70 and len(set(ALPHABET)) == 69 and ALPHABET.count("-") == 2
    numbers = char_numbers(["".join(ALPHABET)])
    assert NUMBERS["-"] == 60 and 37 not in numbers and len(set(numbers[0].tolist()) - {0}) == 69      # place 37 is never lit
    assert char_numbers(["ab -"])[0, :5].tolist() == [1, 2, 70, 60, 0]



# cell 8d1ece76
def test_switches_of_the_alphabet():
    read = lambda text, **more: char_numbers([text], 4, **more)[0].tolist()
    assert read("Aé b") == [1, 0, 70, 2] and read("Aé b", unknown="blank") == [1, 70, 70, 2]
    assert read("Ab", lower=False) == [0, 2, 0, 0] and read("abcdef") == [1, 2, 3, 4]
    for bad in ["", "  ", "éé", 7]:
        try: char_numbers([bad]); message = ""
        except InputError as error: message = str(error)
        assert "no letter" in message or "must be text" in message



# cell 09a4eb68
def test_both_networks_against_the_written_out_ones():
    torch.manual_seed(0)
    pieces = torch.randn(3, 7, 5)
    for kind in [StepRNN, StepGRU]:
        cell = kind(5)
        with torch.no_grad(): fast = cell(pieces)
        for row, states in zip(pieces, fast): torch.testing.assert_close(states, slow_states(cell, row).detach())
    library = nn.RNN(5, 5, nonlinearity="relu", batch_first=True)                       # the library's first step has one bias more
    cell = StepRNN(5)
    with torch.no_grad():
        for mine, theirs in zip([cell.inner.weight, cell.outer.weight, cell.inner.bias, cell.outer.bias], library.parameters()): theirs.copy_(mine)
        assert not torch.allclose(library(pieces)[0], cell(pieces))
        cell.outer.bias.zero_(); library.bias_hh_l0.zero_()
        torch.testing.assert_close(library(pieces)[0], cell(pieces))



# cell 5c765f6d
def test_parameter_counts_of_the_papers():
    expected = {"cvpr": 1_814_144, "flowers": 2_994_560, "birds": 4_045_184, "laptop": 147_904}
    for name, config in CHAR_PRESETS.items():
        encoder = CharCNNRNN(config)
        assert count_parameters(encoder) == sum(p.numel() for p in encoder.parameters()) == expected[name]
        assert encoder.pieces(char_numbers(["ab"])).shape == (1, 18 if name == "birds" else 8, config.channels[2])
        assert encoder.encode(["ab", "a longer caption"]).shape == (2, config.n_features) and not encoder.has_words



# cell 6aa02116
def test_layers_have_the_lengths_of_equation_1():
    encoder, x, lengths = CharCNNRNN(), torch.zeros(1, 70, 201), [201]
    for layer in encoder.convolutions:
        x = layer(x)
        if x.shape[2] != lengths[-1]: lengths.append(x.shape[2])
    assert lengths == [201, 198, 66, 63, 21, 18, 8]



# cell 48400b00
def test_what_a_caption_can_change():
    torch.manual_seed(0)
    encoder = CharCNNRNN()
    numbers = char_numbers(["a red flower", "a blue flower"])
    torch.testing.assert_close(encoder.encode(["a red flower"])[0], encoder.encode(["A Red flower", "a blue flower"])[0])     # no word of the others
    assert not torch.allclose(*encoder(numbers)[0])
    assert torch.equal(encoder.encode(["a" * 201]), encoder.encode(["a" * 300]))                                              # cut
    dead = encoder.convolutions[0].weight
    encoder(numbers)[0].sum().backward()
    assert dead.grad[:, ALPHABET.index("-")].abs().sum() == 0 and dead.grad[:, 0].abs().sum() > 0                             # the first hyphen's channel



# cell fb87168b
def test_the_last_nine_letters_are_not_read():
    torch.manual_seed(0)
    short, long = char_numbers(["ab " * 64]), char_numbers(["ab " * 64 + "cdefghijk"])
    assert short.count_nonzero() == 192 and long.count_nonzero() == 201
    for name, same in [("cvpr", True), ("flowers", True), ("birds", False)]:
        encoder = CharCNNRNN(CHAR_PRESETS[name])
        assert torch.equal(encoder(short)[0], encoder(long)[0]) == same



# cell 2e206892
def test_loss_against_two_loops():
    gen = generator(0, "loss")
    for n in [1, 2, 7]:
        v, h = torch.randn(n, 4, generator=gen, dtype=torch.double), torch.randn(n, 4, generator=gen, dtype=torch.double)
        labels = torch.arange(n) % 3
        assert abs(float(joint_embedding_loss(v, h)) - slow_loss(v, h)) < 1e-12
        for same_class in ["skip", "negative"]:
            assert abs(float(joint_embedding_loss(v, h, labels, same_class)) - slow_loss(v, h, labels, same_class)) < 1e-12
    assert abs(float(joint_embedding_loss(torch.zeros(3, 4), torch.zeros(3, 4))) - 2 * 6 / 9) < 1e-6  # all margins violated by 1, divisor B²
    assert float(joint_embedding_loss(2 * torch.eye(3), torch.eye(3))) == 0                          # every margin kept



# cell f4bf5171
def test_gradient_against_differences():
    gen = generator(1, "loss")
    v, h = (torch.randn(4, 3, generator=gen, dtype=torch.double).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(joint_embedding_loss, (v, h))



# cell 85746a3f
def test_a_class_is_never_held_against_itself():
    v = torch.randn(4, 3, generator=generator(0, "v"))
    labels = torch.tensor([0, 1, 0, 2])
    try: joint_embedding_loss(v, v, labels); message = ""
    except InputError as error: message = str(error)
    assert "occurs twice" in message
    twins = torch.ones(2, 3)                                                                          # two pictures of one class, alike as they should be
    assert float(joint_embedding_loss(twins, twins, torch.zeros(2), "skip")) == 0 and float(joint_embedding_loss(twins, twins, torch.zeros(2), "negative")) == 1



# cell ca767cd3
def test_classes_are_distinct_and_pictures_their_own():
    by_class = [torch.arange(3 * c, 3 * c + 3) for c in range(10)]
    seen = set()
    for k in range(60):
        drawn = draw_classes(by_class, 8, generator(k, "draw"))
        assert len(set((drawn // 3).tolist())) == 8
        seen |= set(drawn.tolist())
    assert seen == set(range(30))                                                                     # every picture can come
    twice = [len(set((draw_classes(by_class, 8, generator(k, "draw"), replacement=True) // 3).tolist())) < 8 for k in range(20)]
    assert all(twice)                                                                                  # 1 - 10!/2!/10^8 = 0.98 a draw
    try: draw_classes(by_class, 11, generator(0)); message = ""
    except InputError as error: message = str(error)
    assert "11 distinct classes" in message



# cell 549a9b31
def test_share_of_false_negatives():
    draws = torch.randint(82, (4000, 40), generator=generator(0, "share"))
    pairs = (draws[:, :, None] == draws[:, None]).sum((1, 2)) - 40
    assert abs(float(pairs.double().mean()) - 40 * 39 / 82) < 0.5 and int(pairs.min()) > 0



# cell 24877fa7
def test_encoder_learns_to_match_two_captions():
    torch.manual_seed(1)
    encoder = CharCNNRNN()
    losses = train_on_text(encoder, 60, batch=24, seed=1)
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10]) and found(encoder, 200) > 0.15          # chance is 0.05
