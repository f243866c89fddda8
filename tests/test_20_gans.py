"""Checks of nbs/20_gans.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from matplotlib import pyplot as plt
from t2ibook.adversarial import (
    DownConvolution,
    Residual,
    UpConvolution,
    _Product,
    _product,
    _products_pay,
    bare,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    init_gan_,
    mean_outputs,
    quicken_,
    resize_convolution,
    score_loss,
)
from t2ibook.core import InputError, check_choice
from t2ibook.core import generator
from t2ibook.layers import DownBlock, UpBlock
from t2ibook.layers import init_dcgan_
from t2ibook.training import CollapseAlarm, sample_diversity
from t2ibook.trying import complaint
from torch import Tensor, nn
from torch.nn import functional as F
import math
import time
import torch


def ring(colours, gen, spread=0.05):
    "One point (B, 2) of a cloud for each colour (B,), 0 or 1."
    angle = (2 * torch.randint(4, (len(colours),), generator=gen) + colours) * math.pi / 4
    return torch.stack([angle.cos(), angle.sin()], 1) + spread * torch.randn(len(colours), 2, generator=gen)


class Player(nn.Module):
    "Two hidden layers of 64. With `crowd` it also sees how much the points of the batch differ: one number, the same for all of them."

    def __init__(self, n_in, n_out, crowd=False):
        super().__init__()
        self.crowd = crowd
        self.layers = nn.Sequential(nn.Linear(n_in + crowd, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, n_out))

    def forward(self, x, colours):
        parts = [x, F.one_hot(colours, 2).float()]
        if self.crowd: parts.append(torch.stack([x[colours == c].std(0).mean() for c in (0, 1)])[colours][:, None])
        return self.layers(torch.cat(parts, 1))


def game(steps=800, generator_steps=1, crowd=False, blur=0.0, form="non_saturating", real_target=1.0, matching=True, seed=0, every=20):
    "Play on the ring, `generator_steps` moves of the generator for one of the discriminator. Points of both colours (2, 64, 2) and a log."
    torch.manual_seed(seed)
    G, D, gen, log = Player(8 + 2, 2), Player(2 + 2, 1, crowd), generator(seed, "ring"), []
    optimisers = [torch.optim.Adam(player.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True) for player in (G, D)]
    draw = lambda c, g: G(torch.randn(len(c), 8, generator=g), c)
    score = lambda x, c: D(x + blur * torch.randn(x.shape, generator=gen) if blur else x, c)[:, 0]
    for step in range(1, steps + 1):
        c = torch.arange(64) % 2
        points = ring(c, gen)
        with torch.no_grad(): drawn = draw(c, gen)
        real, fake, wrong = score(points, c), score(drawn, c), score(points, 1 - c) if matching else None
        optimisers[1].zero_grad(); discriminator_loss(real, fake, wrong, real_target=real_target).backward(); optimisers[1].step()
        for _ in range(generator_steps):
            loss = generator_loss(score(draw(c, gen), c), form)
            optimisers[0].zero_grad(); loss.backward(); optimisers[0].step()
        if step % every == 0:
            with torch.no_grad():
                samples = torch.stack([draw(torch.full((64,), k), generator(0, "look", k)) for k in (0, 1)])
                outputs = mean_outputs(real=real, fake=fake, wrong=score(points, 1 - c))
            log.append({"step": step, "diversity": sample_diversity(samples)} | {k: v.item() for k, v in outputs.items()})
    return samples, log


REAL_DIVERSITY = sample_diversity(torch.stack([ring(torch.full((4000,), k), generator(0, "real", k)) for k in (0, 1)]))


def clouds(samples, near=0.25):
    "How many of the eight clouds are reached by at least 4 of 64 points, and the share of points that lie in a cloud of their colour."
    reached, hits = 0, 0.0
    for k, points in enumerate(samples):
        angle = (2 * torch.arange(4) + k) * math.pi / 4
        distance, which = torch.cdist(points, torch.stack([angle.cos(), angle.sin()], 1)).min(1)
        reached += int((torch.bincount(which[distance < near], minlength=4) >= 4).sum())
        hits += (distance < near).float().mean().item() / 2
    return reached, hits


def show(axis, samples, title):
    "Real clouds as rings, drawn points as dots."
    for k, colour in enumerate(("tab:red", "tab:blue")):
        angle = (2 * torch.arange(4) + k) * math.pi / 4
        axis.scatter(angle.cos(), angle.sin(), s=250, facecolors="none", edgecolors=colour)
        axis.scatter(*samples[k].T, s=4, c=colour)
    axis.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), xticks=[], yticks=[], aspect="equal"); axis.set_title(title, fontsize=9)


# cell 0fb24f45
def test_the_best_discriminator_and_its_value():
    place = torch.linspace(-8, 8, 401, dtype=torch.float64)
    step = (place[1] - place[0]).item()
    normal = lambda mean, width: torch.distributions.Normal(mean, width).log_prob(place).exp()
    p, q = normal(1.0, 1.0), normal(-0.5, 0.7)
    logits = torch.zeros_like(place, requires_grad=True)                 # a free number at each place, learned by gradient ascent
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _ in range(500):
        optimiser.zero_grad()
        value = (p * F.logsigmoid(logits) + q * F.logsigmoid(-logits)).sum() * step
        (-value).backward()
        optimiser.step()
    seen = (p + q) > 1e-3                                                # elsewhere nothing is to be learned
    assert (torch.sigmoid(logits) - p / (p + q))[seen].abs().max() < 0.01                                              # (2)
    js = 0.5 * (p * (2 * p / (p + q)).log() + q * (2 * q / (p + q)).log()).sum() * step
    assert abs(value.item() - (-math.log(4) + 2 * js.item())) < 3e-4                                                   # (3)



# cell 8260e575
def test_losses_against_the_written_out_ones():
    gen = generator(0, "scores")
    real, wrong, fake = (3 * torch.randn(5, generator=gen, dtype=torch.float64) for _ in range(3))
    D = lambda s: 1 / (1 + math.exp(-s))
    for target in (1.0, 0.9):
        slow = sum(-target * math.log(D(s)) - (1 - target) * math.log(1 - D(s)) for s in real.tolist()) / 5
        fakes, wrongs = (sum(-math.log(1 - D(s)) for s in scores.tolist()) / 5 for scores in (fake, wrong))
        assert abs(discriminator_loss(real, fake, real_target=target).item() - (slow + fakes)) < 1e-5
        assert abs(discriminator_loss(real, fake, wrong, 0.3, target).item() - (slow + 0.3 * wrongs + 0.7 * fakes)) < 1e-5
    assert torch.isfinite(discriminator_loss(torch.tensor([-1e4]), torch.tensor([1e4])))                          # where a probability would be 0
    assert score_loss(torch.zeros(2, dtype=torch.bfloat16), 1.0).dtype == torch.float32
    assert abs(mean_outputs(real=real)["d_real"].item() - sum(map(D, real.tolist())) / 5) < 1e-6 and set(mean_outputs(real=real, wrong=None)) == {"d_real"}
    assert "from 0 to 1" in complaint(score_loss, real, 1.2) and "from 0 to 1" in complaint(discriminator_loss, real, fake, wrong, 1.5)



# cell 4a2a875b
def test_why_smoothing_is_one_sided():
    p, q = torch.tensor([0.8, 0.1, 0.0], dtype=torch.float64), torch.tensor([0.1, 0.3, 0.9], dtype=torch.float64)
    for tau, alpha in ((0.9, 0.0), (0.9, 0.1)):
        grid = torch.linspace(-8, 8, 16001, dtype=torch.float64)[:, None]
        loss = p * score_loss(grid, tau) + q * score_loss(grid, alpha)
        best = torch.sigmoid(grid[loss.argmin(0), 0])
        expected = (tau * p + alpha * q) / (p + q)
        assert (best - expected).abs().max() < 2e-3                                                               # (6)
        assert (best[2] > 0.05) == (alpha > 0)             # nothing real there: only smoothing on both sides still pays for it



# cell 0a5f1f5a
def test_slopes_of_the_two_losses():
    s = torch.linspace(-6, 6, 25, dtype=torch.float64)
    for form, value, slope in (("minimax", lambda s: torch.log(1 - torch.sigmoid(s)), lambda s: -torch.sigmoid(s)),
                               ("non_saturating", lambda s: -torch.log(torch.sigmoid(s)), lambda s: torch.sigmoid(s) - 1)):
        scores = s.float().requires_grad_()
        loss = generator_loss(scores, form, each=True)
        torch.testing.assert_close(loss.double(), value(s), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(torch.autograd.grad(loss.sum(), scores)[0].double(), slope(s), rtol=1e-4, atol=1e-5)      # (7)
        differences = (value(s + 1e-5) - value(s - 1e-5)) / 2e-5
        torch.testing.assert_close(differences, slope(s), rtol=1e-4, atol=1e-6)
    sure = torch.tensor([-6.0])
    pull = [torch.autograd.grad(generator_loss(s := sure.clone().requires_grad_(), form), s)[0].abs().item() for form in ("minimax", "non_saturating")]
    assert pull[1] > 300 * pull[0]                       # a discriminator that is sure: one loss is heard, the other is not
    assert "did you mean" in complaint(generator_loss, sure, "minmax")



# cell 3ec58fd2
def test_the_ring_is_what_it_says():
    points = ring(torch.arange(4000) % 2, generator(1, "ring"))
    assert clouds(torch.stack([points[0::2][:64], points[1::2][:64]])) == (8, 1.0)
    assert clouds(torch.zeros(2, 64, 2)) == (0, 0.0)
    assert abs(points.norm(dim=1).mean().item() - 1) < 0.01
    one_cloud = torch.stack([torch.tensor([[1.0, 0.0]]).expand(64, 2), torch.tensor([[0.7071, 0.7071]]).expand(64, 2)])
    assert clouds(one_cloud)[0] == 2 and sample_diversity(one_cloud) == 0



# cell 4bedac74
def test_d_is_asked_about_three_kinds_of_pairs():
    mean = lambda log, kind: sum(e[f"d_{kind}"] for e in log[-5:]) / 5
    _, told = game(300)
    _, untold = game(300, matching=False)
    assert mean(told, "real") > mean(told, "wrong") + 0.15             # a discriminator that was shown wrong pairs tells them apart
    assert mean(told, "real") - mean(told, "wrong") > mean(untold, "real") - mean(untold, "wrong") + 0.1



# cell 523a9af8
def test_a_collapsed_game_leaves_the_bands():
    games = [[e["d_fake"] for e in game(250, every=10, seed=seed)[1]] for seed in range(4)]
    fallen = [e["d_fake"] for e in game(250, generator_steps=5, every=10)[1]]
    def outside(one, three): return sum(not min(band) <= x <= max(band) for x, band in zip(one, zip(*three))) / len(one)
    assert outside(fallen, games[:3]) > 0.5
    assert outside(fallen, games[:3]) > outside(games[3], games[:3])           # more than another fair game



# cell bc0bd226
def test_the_alarm_hears_a_collapse_and_no_fair_game():
    for seed in (0, 1):
        alarm = CollapseAlarm(share=0.2)
        samples, log = game(250, generator_steps=5, every=10, seed=seed)
        rings = [alarm(e["diversity"]) for e in log]
        assert any(rings) and sum(e["diversity"] for e in log[-5:]) / 5 < 0.25 * REAL_DIVERSITY
        alarm = CollapseAlarm(share=0.2)
        rings = [alarm(e["diversity"]) for e in game(250, every=10, seed=seed)[1]]
        assert not any(rings)



# cell 40dc3b9a
def test_which_switch_cures_collapse():
    spread = {name: game(200, **{"generator_steps": 5} | switch)[1][-1]["diversity"] / REAL_DIVERSITY
              for name, switch in {"bad": {}, "fair": {"generator_steps": 1}, "crowd": {"crowd": True}, "blur": {"blur": 0.3}}.items()}
    assert spread["bad"] < 0.3 and spread["blur"] < 0.4
    assert spread["fair"] > 0.5 and spread["crowd"] > 0.5



# cell 0d39e131
def test_blocks_and_their_start():
    torch.manual_seed(0)
    net = init_gan_(nn.Sequential(UpBlock(64, 96), Residual(96, 24), bare(DownBlock(96, 128)), nn.Flatten(), nn.Linear(128 * 64, 40), nn.BatchNorm1d(40)))
    x = torch.randn(4, 64, 8, 8)
    assert net[:2](x).shape == (4, 96, 16, 16) and net(x).shape == (4, 40)
    assert net[1](net[0](x)).min() >= 0 and net[2](net[:2](x)).min() < -0.5           # a ReLU at the end, and none
    for weight, std, mean in ((net[0][0].weight, 0.02, 0), (net[1].inner[0].weight, 0.02, 0), (net[0][1].weight, 0.02, 1), (net[5].weight, 0.02, 1)):
        assert abs(weight.std().item() - std) < 0.005 and abs(weight.mean().item() - mean) < 0.01
    bound = (128 * 64) ** -0.5
    assert net[4].weight.abs().max() <= bound and net[4].weight.std() < 0.6 * bound   # the framework's start
    assert init_gan_(net, linear=True)[4].weight.std() > 1.5 * bound
    inner = net[1].eval().inner
    torch.testing.assert_close(net[1](net[0](x)), (net[0](x) + inner[7](inner[6](inner[5](inner[4](inner[3](inner[2](inner[1](inner[0](net[0](x)))))))))).relu())
    assert sum(p.numel() for p in Residual(1024, 256).parameters()) == 3_214_336      # the first one of GAN-CLS's generator



# cell 7c9b25a9
def test_quick_layers_give_the_same():
    torch.manual_seed(0)
    up = lambda a, b, stride=2, padding=1, bias=False: nn.ConvTranspose2d(a, b, 4, stride, padding, bias=bias)
    def make(): return nn.Sequential(up(7, 6, 1, 0), UpBlock(6, 5), up(5, 2), up(2, 2, bias=True), DownBlock(2, 3), DownBlock(3, 4), DownBlock(4, 3), nn.Conv2d(3, 2, 3))
    slow, quick = make().double(), make().double()
    quick.load_state_dict(slow.state_dict())
    quicken_(quick)
    kinds = [type(m).__name__ for m in quick.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert kinds == ["UpConvolution"] * 3 + ["ConvTranspose2d"] + ["DownConvolution"] * 3 + ["Conv2d"]                    # the fourth has a bias
    assert list(quick.state_dict()) == list(slow.state_dict()) and quick[1][0].weight.is_contiguous(memory_format=torch.channels_last)
    for shape in ((3, 7, 1, 1), (3, 7, 2, 3)):                                                                           # a point, and something larger
        x, results = torch.randn(shape, dtype=torch.float64), []
        for net in (slow, quick):
            inputs = x.clone().requires_grad_()
            net.zero_grad()
            y = net(inputs)
            (y * torch.arange(y.numel(), dtype=torch.float64).view_as(y).sin()).sum().backward()
            results.append([y.detach(), inputs.grad, *(p.grad for p in net.parameters())])
        for a, b in zip(*results): torch.testing.assert_close(a, b)
    with torch.no_grad(): torch.testing.assert_close(quick(x), slow(x))



# cell 4f9f0da4
def test_the_weights_gradient_is_the_sum():
    layer, g = UpConvolution(2, 3, 4, 2, 1, bias=False).double(), torch.randn(2, 3, 6, 8, dtype=torch.float64, generator=generator(0, "g"))
    small = torch.randn(2, 2, 3, 4, dtype=torch.float64, generator=generator(0, "x")).requires_grad_()
    layer(small).backward(g)
    expected, padded = torch.zeros_like(layer.weight), F.pad(g, (1, 1, 1, 1))
    for c, o, k, l in torch.cartesian_prod(*(torch.arange(n) for n in expected.shape)).tolist():
        expected[c, o, k, l] = sum(small[b, c, i, j] * padded[b, o, 2 * i + k, 2 * j + l] for b in range(2) for i in range(3) for j in range(4))     # (8)
    torch.testing.assert_close(layer.weight.grad, expected.detach())
    weight = torch.randn(3, 2, 4, 4, dtype=torch.float64, generator=generator(0, "w")).requires_grad_()
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):                # the second: can the gradient itself be differentiated?
        assert check(lambda x, w: _Product.apply(x, w, False), (torch.randn(1, 2, 4, 4, dtype=torch.float64).requires_grad_(), weight))
        assert check(lambda x, w: _Product.apply(x, w, True), (torch.randn(1, 3, 2, 2, dtype=torch.float64).requires_grad_(), weight))



# cell 7b717e39
def test_quick_layers_in_16_bits():
    torch.manual_seed(0)
    for layer, shape in ((UpConvolution(16, 8, 4, 2, 1, bias=False), (4, 16, 4, 4)), (DownConvolution(16, 8, 4, 2, 1, bias=False), (4, 16, 8, 8)),
                         (UpConvolution(16, 8, 4, 1, 0, bias=False), (4, 16, 1, 1))):
        x = torch.randn(shape)
        exact, = torch.autograd.grad(layer(x).square().sum(), layer.weight)
        with torch.autocast("cpu", torch.bfloat16): y = layer(x)
        assert y.dtype == torch.bfloat16
        rounded, = torch.autograd.grad(y.float().square().sum(), layer.weight)
        assert rounded.dtype == torch.float32 and (rounded - exact).norm() < 0.02 * exact.norm()
        if layer.stride == (2, 2):                                             # a product where it is faster: not in 32 bits
            with torch.autocast("cpu", torch.bfloat16): assert type(layer(x).grad_fn).__name__ == "_ProductBackward"
            assert "_Product" not in type(layer(x).grad_fn).__name__



# cell 73c9aed6
def test_the_penalty_is_the_squared_slope():
    gen = generator(0, "penalty")
    images, w = torch.randn(4, 3, 2, 2, generator=gen, dtype=torch.float64).requires_grad_(), torch.randn(3, 2, 2, generator=gen, dtype=torch.float64).requires_grad_()
    score = lambda: (w * images.square()).flatten(1).sum(1)                    # its slope is 2 w x
    penalty = gradient_penalty(score(), images)
    torch.testing.assert_close(penalty, 0.5 * (2 * w * images).square().flatten(1).sum(1).mean())                        # (9)
    slope, = torch.autograd.grad(penalty, w)
    torch.testing.assert_close(slope, (4 * w * images.square()).mean(0))       # and it can be minimised
    plain = nn.Sequential(DownBlock(3, 6), DownBlock(6, 8), nn.Flatten(), nn.Linear(32, 1)).double()
    quick, found = quicken_(nn.Sequential(DownBlock(3, 6), DownBlock(6, 8), nn.Flatten(), nn.Linear(32, 1)).double()), []
    quick.load_state_dict(plain.state_dict())
    x = torch.randn(4, 3, 8, 8, generator=gen, dtype=torch.float64)
    for net in (plain, quick):
        gradient_penalty(net(y := x.clone().requires_grad_())[:, 0], y).backward()
        found.append([p.grad for p in net.parameters() if p.grad is not None])
    for a, b in zip(*found, strict=True): torch.testing.assert_close(a, b)



# cell 0183e29b
def test_no_pixel_of_a_resized_map_is_special():
    torch.manual_seed(0)
    flat = torch.ones(1, 5, 6, 6)
    grid = lambda layer: layer(flat)[0, :, 3:-3, 3:-3].std((1, 2)).max().item()
    up = resize_convolution(5, 7)
    assert up(flat).shape == (1, 7, 12, 12) and grid(up) < 1e-6 < 1e-2 < grid(nn.ConvTranspose2d(5, 7, 4, 2, 1, bias=False))
