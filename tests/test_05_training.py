"""Checks of nbs/05_training.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from collections.abc import Callable
from dataclasses import dataclass
from matplotlib import pyplot as plt
from pathlib import Path
from t2ibook.core import BookError, InputError, check_choice, derived_seed, generator
from t2ibook.datasets import epoch_order
from t2ibook.layers import load_weights, save_weights
from t2ibook.pictures import picture_sheet, save_picture
from t2ibook.training import (
    Checkpoints,
    CollapseAlarm,
    RMSpropInside,
    TrainConfig,
    TrainingError,
    _averaged,
    _begin,
    _check_numbers,
    _clip,
    _fetch,
    _look,
    _move,
    _write,
    batch_indices,
    learning_rate_at,
    make_optimiser,
    read_log,
    sample_diversity,
    train,
    training_seconds,
)
from t2ibook.trying import complaint
from torch import Tensor, nn
import dataclasses
import itertools
import json
import math
import shutil
import tempfile
import time
import torch


class Colours(nn.Module):
    "Two words, two colours; noise that must not matter."
    diverse = False

    def __init__(self, noise=0.1):
        super().__init__()
        self.colour, self.noise = nn.Parameter(torch.zeros(2, 3)), noise

    def players(self): return {"loss": list(self.parameters())}
    def forward(self, batch, gen, player="loss"):
        target = batch["image"].mean((2, 3)) + self.noise * torch.randn(len(batch["label"]), 3, generator=gen)
        return {"loss": (self.colour[batch["label"]] - target).square().mean()}


class TwoColours:
    "A data set of 32 pictures: red is 0, blue is 1."
    captions = [["red"], ["blue"]] * 16
    def __len__(self): return 32
    def batch(self, indices, gen):
        label = indices % 2
        image = torch.stack([torch.tensor([[1.0, -1, -1], [-1, -1, 1.0]])[i].reshape(3, 1, 1).expand(3, 8, 8) for i in label])
        return {"image": image, "caption": [self.captions[i][0] for i in indices], "label": label}


SHORT = TrainConfig(steps=60, batch_size=8, learning_rate=0.1, checkpoint_every=7, sample_every=20, log_every=5)


# cell 72ffa9cb
def test_schedule_and_order_are_functions_of_the_step():
    config = TrainConfig(steps=100, warmup=10)
    assert learning_rate_at(0, config) == config.learning_rate * 0.1 * (1.0)
    assert abs(learning_rate_at(100, config) - config.final_learning_rate) < 1e-12
    seen = torch.cat([batch_indices(t, 103, 10, seed=1) for t in range(10)])
    drop = TrainConfig(steps=10, schedule="drop", drop_at=0.6)
    assert [learning_rate_at(t, drop) for t in (0, 5, 6, 9)] == [1e-3, 1e-3, 1e-5, 1e-5]
    halving = TrainConfig(steps=12, schedule="halving", halvings=5, learning_rate=32.0)
    assert [learning_rate_at(t, halving) for t in range(12)] == [32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1] and learning_rate_at(12, halving) == 1
    assert "did you mean" in complaint(learning_rate_at, 0, TrainConfig(schedule="cosin"))
    assert len(seen.unique()) == 100                                       # an epoch shows no picture twice
    assert not torch.equal(batch_indices(0, 103, 10, 1), batch_indices(10, 103, 10, 1))   # the next epoch is in another order
    assert torch.equal(batch_indices(7, 103, 10, 1), batch_indices(7, 103, 10, 1))



# cell 83a823d3
def test_rmsprop_follows_its_formula():
    weight, v, theta = nn.Parameter(torch.tensor([2.0])), 0.0, 2.0
    rule = make_optimiser([weight], TrainConfig(optimiser="rmsprop", learning_rate=0.1))
    for _ in range(5):
        rule.zero_grad(); (3e-4 * weight ** 2).sum().backward(); rule.step()
        g = 6e-4 * theta
        v = 0.9 * v + 0.1 * g**2
        theta -= 0.1 * g / math.sqrt(v + 1e-6)
    assert abs(weight.item() - theta) < 1e-6
    outside = nn.Parameter(torch.tensor([2.0]))
    torch_rule = torch.optim.RMSprop([outside], lr=0.1, alpha=0.9, eps=1e-6)
    for _ in range(5): torch_rule.zero_grad(); (3e-4 * outside ** 2).sum().backward(); torch_rule.step()
    assert abs(outside.item() - theta) > 0.1                     # the library's rule is another one
    weights = {fused: nn.Parameter(torch.linspace(-2, 2, 9)) for fused in (True, False)}
    for fused, weight in weights.items():                        # Adam in one pass or operation by operation
        rule = make_optimiser([weight], TrainConfig(learning_rate=0.1), fused)
        for _ in range(5): rule.zero_grad(); weight.square().sum().backward(); rule.step()
    torch.testing.assert_close(weights[True], weights[False])



# cell d6837dc1
def test_checkpoints_are_whole_and_old_ones_go():
    with tempfile.TemporaryDirectory() as folder:
        net = nn.Linear(2, 2); adam = torch.optim.Adam(net.parameters())
        store = Checkpoints(folder, keep=2)
        (Path(folder) / ".writing-5").mkdir()                     # what a killed writer leaves
        for step in (10, 20, 30): store.save(step, {"model": net}, {"loss": adam})
        assert store.steps() == [20, 30]
        before = net.weight.clone()
        with torch.no_grad(): net.weight.zero_()
        store.load(30, {"model": net}, {"loss": adam})
        assert torch.equal(net.weight, before)
        assert sorted(p.name for p in Path(folder).iterdir()) == ["step_00000020", "step_00000030"]



# cell c9b97ac7
def test_diversity_is_the_mean_pairwise_distance():
    samples = torch.rand(2, 4, 3, 8, 8, generator=generator(0, "diversity"))
    pairs = [[(a - b).square().mean() for a, b in itertools.combinations(row, 2)] for row in samples]
    slow = torch.stack([torch.stack(row).mean().sqrt() for row in pairs]).mean()
    assert abs(sample_diversity(samples) - slow.item()) < 1e-6
    assert sample_diversity(samples[:, :1].expand(-1, 4, -1, -1, -1)) == 0



# cell 855b6003
def test_the_alarm_rings_on_collapse_only():
    alarm = CollapseAlarm()
    assert [alarm(d) for d in (0.1, 0.3, 0.2, 0.016, 0.014)] == [False, False, False, False, True]



# cell 28a000ac
def test_long_gradients_are_shortened():
    def clipped(lengths, **config):
        "What is left of gradients of these lengths."
        parameters = [nn.Parameter(torch.zeros(4)) for _ in lengths]
        for p, length in zip(parameters, lengths): p.grad = torch.full((4,), length / 2)
        _clip([*parameters, nn.Parameter(torch.zeros(1))], TrainConfig(**config))           # the last has no gradient
        return [p.grad.norm().item() for p in parameters]

    assert torch.allclose(torch.tensor(clipped([3.0, 4.0], clip_norm=2.5)), torch.tensor([1.5, 2.0]), rtol=1e-5)      # all as one: halved
    assert torch.allclose(torch.tensor(clipped([3.0, 1.0], clip_norm=2.0, clip_each=True)), torch.tensor([2.0, 1.0]), rtol=1e-5)
    assert clipped([3.0, 4.0], clip_norm=5.5) == clipped([3.0, 4.0], clip_norm=0.0) == [3.0, 4.0]



# cell 3e788a3f
def test_resumed_runs_add_up():
    assert training_seconds([{"seconds": 2.0}, {"seconds": 5.0}, {"seconds": 1.0}, {"seconds": 4.0}]) == 9.0
    assert training_seconds([]) == 0



# cell afb754ac
def test_the_loop_finds_the_known_answer():
    with tempfile.TemporaryDirectory() as folder:
        system = Colours()
        log = train(system, TwoColours(), SHORT, folder)
        torch.testing.assert_close(system.colour, torch.tensor([[1.0, -1, -1], [-1, -1, 1.0]]), atol=0.1, rtol=0)
        assert log == read_log(folder) and log[-1]["step"] == 60



# cell 4b05b7fd
def test_a_broken_run_ends_with_the_same_weights():
    class Power(Exception): "The cable was pulled."
    def pull_the_cable_at(step):
        def notify(entry):
            if entry["step"] >= step: raise Power
        return notify
    for ema in (0.0, 0.9):
        config = dataclasses.replace(SHORT, ema=ema)
        with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as broken:
            one, two = Colours(), Colours()
            train(one, TwoColours(), config, whole)
            for step in (13, 25, 46):
                try: train(two, TwoColours(), config, broken, resume=True, notify=pull_the_cable_at(step)); stopped = False
                except Power: stopped = True
                assert stopped
                two = Colours()              # the process is gone, and its memory with it
            log = train(two, TwoColours(), config, broken, resume=True)
            assert torch.equal(one.colour, two.colour)
            strip = lambda entries: [{k: v for k, v in e.items() if k != "seconds"} for e in entries]
            assert strip(log) == strip(read_log(whole))



# cell 9f470ab7
def test_a_loss_that_is_no_number_stops_the_run():
    with tempfile.TemporaryDirectory() as folder:
        try: train(Colours(noise=float("nan")), TwoColours(), SHORT, folder); message = ""
        except TrainingError as error: message = str(error)
        assert message.startswith("loss is not a number any more at step 5")



# cell 25924d9a
def test_two_players_move_only_their_own_parameters():
    class Duel(Colours):
        "Two players; the second's loss depends on both players' parameters."
        def __init__(self):
            super().__init__(noise=0.0)
            self.other = nn.Parameter(torch.zeros(3))
        def players(self): return {"loss_d": [self.colour], "loss_g": [self.other]}
        def forward(self, batch, gen, player="loss"):
            if player == "loss_d": return {"loss_d": super().forward(batch, gen)["loss"]}
            return {"loss_g": (self.other + self.colour[0] - 1).square().sum()}
    with tempfile.TemporaryDirectory() as folder:
        duel = Duel()
        log = train(duel, TwoColours(), SHORT, folder)
        torch.testing.assert_close(duel.colour[0], torch.tensor([1.0, -1, -1]), atol=0.1, rtol=0)   # the second player did not bend it
        assert {"loss_d", "loss_g"} <= set(log[-1])
        assert all(p.requires_grad for p in duel.parameters())
