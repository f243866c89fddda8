"""Checks of nbs/12a_draw.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Image as Shown
from dataclasses import dataclass, field
from dataclasses import replace
from matplotlib import pyplot as plt
from pathlib import Path
from t2ibook.attention import GRIDS, filterbank, from_rows, read_patch, to_rows, window_frame, write_patch
from t2ibook.bounds import bound_score
from t2ibook.core import InputError, check_choice
from t2ibook.core import generator
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.layers import LSTMStep, gaussian_kl
from t2ibook.layers import count_parameters
from t2ibook.pictures import picture_sheet, save_animation
from t2ibook.pictures import to_signed, to_unit
from t2ibook.records import PROFILES, published
from t2ibook.repeated import Repeated, lstm_pointwise
from t2ibook.systems import base
from t2ibook.systems.draw import (
    Draw,
    DrawConfig,
    Glimpses,
    Loop,
    Painting,
    Starts,
    Windows,
    glimpse_frames,
)
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import TrainConfig
from t2ibook.training import read_log, train
from torch import Tensor, nn
from torch.nn import functional as F
from typing import ClassVar
import math
import tempfile
import torch


def tiny(seed=0, std=0.3, **fields):
    "A tiny DRAW in 64 bits with weights that make a difference."
    system = Draw(replace(DrawConfig(image_size=6, n_glimpses=3, hidden=5, latent=2, read_size=2, write_size=3), **fields), Vocabulary(["seven"])).double()
    gen = generator(seed, "tiny")
    with torch.no_grad():
        for p in system.parameters(): p.copy_(torch.randn(p.shape, generator=gen, dtype=torch.float64) * std)
    return system


def some(system, n=3, seed=1):
    "Binary pictures as rows, and noise."
    c, gen = system.config, generator(seed, "some")
    pictures = (torch.rand(n, c.image_size, c.channels, c.image_size, generator=gen) < 0.4).double()
    return pictures, torch.randn(n, *system.noise_shape(), generator=gen).double()


def exactly(system, points=161, reach=7.0):
    "ln p(x) of all binary 2×2 pictures by equation (11), (16,), and the pictures as rows."
    pictures = torch.tensor([[k >> i & 1 for i in range(4)] for k in range(16)]).double().view(16, 2, 1, 2)
    line = torch.linspace(-reach, reach, points, dtype=torch.float64)
    z = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).view(-1, 2, 1)
    log_prior = (-z.square() / 2).sum((1, 2)) - math.log(2 * math.pi) + 2 * math.log(line[1] - line[0])
    with torch.no_grad(): logits = system.unroll(z).canvas.flatten(1)
    ln_p = [(log_prior + F.logsigmoid((2 * x.flatten() - 1) * logits).sum(1)).logsumexp(0) for x in pictures]      # (11)
    return torch.stack(ln_p), pictures


def weights(system, x, k, seed=0):
    "For one picture: k samples of the right side of (9), and of ln w."
    codes, original = [], system.code
    system.code = lambda said: codes.append(original(said)) or codes[-1]
    rows, noise = x.expand(k, -1, -1, -1), torch.randn(k, *system.noise_shape(), generator=generator(seed, "weights"), dtype=torch.float64)
    with torch.no_grad(): painting = system.unroll(noise, rows)
    system.code = original
    fit = F.logsigmoid((2 * rows - 1) * painting.canvas).flatten(1).sum(1)
    mean, log_sigma = (torch.stack(part, 1) for part in zip(*codes))
    z = mean + log_sigma.exp() * noise
    log_w = fit + (-z.square() / 2 + noise.square() / 2 + log_sigma).sum((1, 2))       # ln p(x | z) + ln p(z) - ln q(z | x)
    return painting.kl.sum(1) - fit, log_w


# cell 6731a3b2
def test_sizes_are_those_of_the_fact_sheet():
    for read_size, n in ((2, 959_467), (5, 1_002_475)):
        system = Draw(replace(Draw.presets["paper"], read_size=read_size, n_glimpses=3), Vocabulary(["seven"]))
        assert count_parameters(system) == sum(count_parameters(part) for part in system.networks().values()) == n
    assert count_parameters(Starts(DrawConfig(learned_start=True))) == 2 * 256 + 784
    assert sum(row["parameters"] for rows in system.layer_tables().values() for row in rows) == 1_002_475       # each layer once, not T times



# cell 51399a12
def test_an_even_start_paints_evenly():
    for even, mean in ((True, 1.0), (False, 25 / 784)):
        system = Draw(DrawConfig(even_start=even), Vocabulary(["seven"]))
        with torch.no_grad():
            system.paint.weight.zero_(); system.paint.bias.fill_(1.0)
            painted = system.stroke({name: head(torch.zeros(1, 256)) for name, head in system.heads().items()})[0, :, 0]
        middle = painted[6:-6, 6:-6]
        assert abs(painted.mean().item() / mean - 1) < 1e-3
        assert (middle.max() < 1.5 * middle.min()) == even and (middle.max() > 50 * middle.min()) == (not even)     # dots leave gaps
        raw = system.write_window(torch.zeros(1, 256))
        assert torch.allclose(window_frame(raw, 28, 5), torch.tensor([[0.0, 0.0, 27.0, 27.0]]))



# cell 1b4ab0a6
def test_the_loop_is_the_paper_line_by_line():
    system = tiny()
    w, c = system.state_dict(), system.config
    linear = lambda name, v: w[f"{name}.weight"] @ v + w[f"{name}.bias"]

    def lstm(name, inputs, h, cell):
        i, f, o, g = linear(f"{name}.gates", torch.cat([inputs, h])).chunk(4)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(cell), cell

    def window(name, h, n, size=c.image_size):
        x, y, log_variance, log_stride, log_gamma = linear(name, h).tolist()
        filters = torch.zeros(2, n, size, dtype=torch.float64)
        for side, g in enumerate((y, x)):
            for i in range(n):
                mu = (size - 1) / 2 * (g + 1) + (i - (n - 1) / 2) * (size - 1) / (n - 1) * math.exp(log_stride)
                for a in range(size): filters[side, i, a] = math.exp(-(a - mu) ** 2 / (2 * math.exp(log_variance)))
                filters[side, i] /= filters[side, i].sum() + c.epsilon
        return *filters, math.exp(log_gamma)

    rows, noise = some(system)
    painting = system.unroll(noise, rows, keep=True)
    for b in range(len(rows)):
        x, canvas = rows[b, :, 0], torch.zeros(6, 6, dtype=torch.float64)
        h_enc, c_enc, h_dec, c_dec = torch.zeros(4, c.hidden, dtype=torch.float64)
        for t in range(c.n_glimpses):
            missing = x - torch.sigmoid(canvas)                                                          # (1)
            f_y, f_x, gamma = window("read_window", h_dec, c.read_size)
            r = gamma * torch.stack([f_y @ x @ f_x.T, f_y @ missing @ f_x.T], 1).flatten()               # (2)
            h_enc, c_enc = lstm("encoder", torch.cat([r, h_dec]), h_enc, c_enc)                          # (3)
            mu, log_sigma = linear("posterior", h_enc).chunk(2)
            z = mu + log_sigma.exp() * noise[b, t]                                                       # (4)
            h_dec, c_dec = lstm("decoder", z, h_dec, c_dec)                                              # (5)
            f_y, f_x, gamma = window("write_window", h_dec, c.write_size)
            canvas = canvas + f_y.T @ linear("paint", h_dec).view(3, 3) @ f_x / gamma                    # (6)
            kl = 0.5 * sum(m**2 + math.exp(2 * s) - 2 * s for m, s in zip(mu.tolist(), log_sigma.tolist())) - c.latent / 2     # (8)
            assert torch.allclose(painting.canvases[t][b, :, 0], canvas) and abs(painting.kl[b, t].item() - kl) < 1e-9



# cell 796ffd09
def test_zero_weights_cost_one_bit_a_pixel():
    system = Draw.example("laptop")
    with torch.no_grad():
        for p in system.parameters(): p.zero_()
    log_likelihood, kl = system.bound(system.example_batch() | {"image": torch.randn(2, 3, 28, 28, generator=generator(0, "ink")).sign()}, generator(0, "zeros"))
    assert torch.allclose(log_likelihood, torch.full((2,), -784 * math.log(2))) and (kl == 0).all()



# cell 828288f1
def test_a_silent_encoder_has_no_kl():
    system = tiny()
    rows, noise = some(system)
    assert (system.unroll(noise, rows).kl > 0).all()
    with torch.no_grad(): system.posterior.weight.zero_(); system.posterior.bias.zero_()
    assert (system.unroll(noise, rows).kl == 0).all()
    assert torch.equal(system.unroll(noise, rows).canvas, system.unroll(noise).canvas)          # nothing was said, so coding is inventing



# cell 8bb73bcd
def test_no_glimpse_sees_the_future_or_another_picture():
    for attention in (True, False):
        system = tiny(attention=attention)
        rows, noise = some(system)
        plain = system.unroll(noise, rows, keep=True)
        for t in range(system.config.n_glimpses):
            other = noise.clone(); other[:, t:] += 1
            changed = system.unroll(other, rows, keep=True)
            same = [torch.equal(a, b) for a, b in zip(plain.canvases, changed.canvases)]
            assert same == [k < t for k in range(system.config.n_glimpses)]
            assert torch.equal(plain.kl[:, :t + 1], changed.kl[:, :t + 1])                       # what is said at t was decided before z_t was drawn
        order = torch.tensor([2, 0, 1])
        turned = system.unroll(noise[order], rows[order])
        assert torch.allclose(turned.canvas, plain.canvas[order]) and torch.allclose(turned.kl, plain.kl[order])



# cell 5863acb8
def test_needles_on_every_pixel_are_no_window():
    windowed, plain = tiny(read_size=6, write_size=6, epsilon=0.0), tiny(attention=False)
    with torch.no_grad():
        for name in ("read_window", "write_window"):
            getattr(windowed, name).weight.zero_()
            getattr(windowed, name).bias.copy_(torch.tensor([0.0, 0.0, -8.0, 0.0, 0.0]))         # centred, tiny sigma, delta 1, gamma 1
    plain.load_state_dict({k: v for k, v in windowed.state_dict().items() if "window" not in k})
    rows, noise = some(plain)
    a, b = windowed.unroll(noise, rows), plain.unroll(noise, rows)
    assert torch.allclose(a.canvas, b.canvas) and torch.allclose(a.kl, b.kl)



# cell 217e3079
def test_it_trains_saves_and_draws():
    for fields in ({}, {"attention": False}, {"channels": 3, "learned_start": True, "binarise": "dynamic", "start_std": 0.01, "grid": "as_released"}):
        system = Draw(replace(Draw.presets["smoke"], **fields), Vocabulary(["seven"]))
        batch, gen = system.example_batch(), generator(0, "step")
        losses = system.training_step(batch, gen)
        losses["loss"].backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in system.parameters())
        assert torch.allclose(losses["loss"], losses["reconstruction"] + losses["kl"])
        with tempfile.TemporaryDirectory() as folder:
            system.save(folder, half=False)
            again = Draw.load(folder)
        pictures = again.generate(["seven", "anything"], n=2)
        assert pictures.shape == (2, 2, 3, 28, 28) and torch.equal(pictures, system.generate(["seven", "anything"], n=2))
        assert not torch.equal(pictures[0, 0], pictures[0, 1])
        means, kl = system.reconstruct(batch, generator(3, "same"))
        assert means.shape == (2, 3, 28, 28) and torch.equal(kl, system.bound(batch, generator(3, "same"))[1])
    try: system.bound(batch | {"image": torch.zeros(2, 3, 32, 32)}, gen); message = ""
    except InputError as error: message = str(error)
    assert "28 pixels, not 32" in message



# cell f602abb3
def test_the_bound_bounds_the_exact_probability():
    for std, fields in ((1.0, {"attention": False}), (0.5, {"read_size": 2, "write_size": 2})):
        system = tiny(std=std, image_size=2, n_glimpses=2, latent=1, hidden=4, **fields)
        ln_p, pictures = exactly(system)
        assert abs(ln_p.exp().sum().item() - 1) < 1e-6
        for x, exact in zip(pictures, ln_p):
            bound, log_w = weights(system, x, 4000)
            error = (bound.std() + log_w.std()) / 4000**0.5
            assert bound.mean() > -exact - 4 * error                                       # (9)
            assert abs(bound.mean() + log_w.mean()) < 4 * error                            # the KL in closed form is the KL by Monte Carlo
            few, many = (-(log_w.view(-1, k).logsumexp(1) - math.log(k)).mean() for k in (1, 50))
            assert few + 1e-9 >= many >= -exact - 4 * error and many - -exact < 0.5 * (few - -exact) + 4 * error      # (12)



# cell 277b0d51
def test_frames_stand_where_the_windows_are():
    system = tiny(std=0.0, image_size=9, n_glimpses=2, read_size=3, write_size=3)
    with torch.no_grad(): system.write_window.bias[3] = -math.log(2); system.write_window.bias[0] = 0.25
    rows, noise = some(system, 1)
    painting = system.unroll(noise, rows, keep=True)
    seen, painted = glimpse_frames(system, painting, 0, rows), glimpse_frames(system, painting)
    assert seen.shape == painted.shape == (2, 3, 36, 36)
    red, green = (painted[0, 0] == 1), (seen[0, 1] == 0.9).clone()
    assert red.nonzero().min(0).values.tolist() == [10, 14] and red.nonzero().max(0).values.tolist() == [26, 30]      # rows 2 to 6, columns 3 to 7
    assert green.nonzero().min(0).values.tolist() == [2, 2] and green.nonzero().max(0).values.tolist() == [34, 34]    # from the first pixel to the last
    assert (painted[0, :, 18, 18] == 0.5).all() and torch.equal(seen[0, :, 18, 18], rows[0, 4, :, 4].float().expand(3))
    for call, wanted in ((lambda: glimpse_frames(system, system.unroll(noise)), "keep=True"), (lambda: glimpse_frames(system, system.unroll(noise, keep=True), 0, rows), "without rows")):
        try: call(); message = ""
        except InputError as error: message = str(error)
        assert wanted in message
