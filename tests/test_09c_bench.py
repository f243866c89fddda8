"""Checks of nbs/09c_bench.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from contextlib import contextmanager
from pathlib import Path
from t2ibook import systems
from t2ibook.bench import (
    PRECISIONS,
    TOLERANCE,
    _Repeat,
    _Stopwatch,
    _any_precision,
    _bits,
    _compare,
    _effort,
    _median,
    _plain_loop,
    _shared_loop,
    _wait,
    bench,
    budget,
    budget_table,
    keep_budget,
    loss_difference,
    machine_peak,
    step_flops,
    training_cost,
)
from t2ibook.core import InputError, best_device, check_choice, generator, published_dir, read_json, write_json
from t2ibook.records import hardware, peak_memory_bytes
from t2ibook.repeated import without_packing
from t2ibook.reports import markdown_table
from t2ibook.training import TrainConfig, make_optimiser, train
from torch.optim.optimizer import register_optimizer_step_post_hook
import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
import time
import torch


# cell 92c5847f
def test_the_shared_loop_costs_little_more_than_the_plain_one():
    result = bench("imagination", "smoke", steps=8)
    assert result["ratio"] < 3 and result["seconds_per_step"] > 0            # smoke networks are tiny: here overhead shows most
    assert 0 < result["share_of_peak"] < 1.5 and result["flops_per_step"] > 1e8
    assert result["pictures_per_second"] == result["batch_size"] / result["seconds_per_step"]
    assert result["reference"] == "the plain loop, fp32" and result["loss_difference"] == 0 and abs(result["speed_up"] * result["ratio"] - 1) < 1e-9



# cell 7b3c6b3c
def test_a_system_written_for_speed_meets_its_plain_version():
    result = bench("aligndraw", "smoke", steps=3, blocks=2)
    assert result["reference"] == "PlainAlignDraw in the plain loop, fp32" and result["speed_up"] > 0.3 and result["share_of_peak"] < 1.5
    assert result["precision"] == "fp32" and result["losses_agree"] and result["loss_difference"] < 1e-5
    net = systems.get("aligndraw").example("smoke")
    batch = net.example_batch(4)
    ours, plain = step_flops(net, batch), step_flops(systems.reference("aligndraw").of(net), batch)
    assert 0.5 * plain < ours < plain                                        # nothing went uncounted, and the keys are computed once
    data = _Repeat(batch, net.vocabulary)
    assert torch.equal(net.vocabulary.encode(data.batch(None, None)["caption"])[0], batch["tokens"]) and len(data) == 4



# cell 660949fc
def test_sixteen_bits_for_ours_and_thirty_two_for_the_reference():
    from t2ibook.systems.gancls import GanCLS
    seen, step = set(), GanCLS.training_step
    def spy(self, *arguments):
        seen.add((type(self).__name__, torch.is_autocast_enabled(self.device.type)))
        return step(self, *arguments)
    GanCLS.training_step = spy
    try: half, full = (bench("gancls", "smoke", steps=2, blocks=1, precision=p) for p in ("bf16", "fp32"))      # the second one after another precision
    finally: GanCLS.training_step = step
    assert seen == {("GanCLS", True), ("GanCLS", False), ("PlainGanCLS", False)}
    assert half["precision"] == "bf16" and full["precision"] == "fp32"
    assert half["reference"] == full["reference"] == "PlainGanCLS in the plain loop, fp32"
    assert full["losses_agree"] and half["losses_agree"] and full["loss_difference"] < 1e-5 < half["loss_difference"] < 1e-2
    assert half["flops_per_step"] == full["flops_per_step"] and min(half["speed_up"], full["speed_up"]) > 0.2
    for wrong, complaint in ({"precision": "bf61"}, "did you mean 'bf16'"), ({"steps": 1}, "two steps"), ({"blocks": 0}, "one block"):
        try: bench("gancls", "smoke", **wrong)
        except InputError as error: assert complaint in str(error)
        else: raise AssertionError(f"{wrong} was let through")



# cell 3b4270d1
def test_a_difference_of_losses_is_found():
    net = systems.get("gancls").example("smoke").train()
    batch, plain = net.example_batch(8), systems.reference("gancls").of(net)
    assert loss_difference(net, plain, batch) < 1e-5 and loss_difference(net, net, batch) == 0
    with torch.no_grad(): next(plain.generator.parameters()).mul_(1.5)         # changes what is drawn, and so both players' losses
    assert loss_difference(net, plain, batch) > 1e-4
    class Loss(torch.nn.Module):
        device = torch.device("cpu")
        def __init__(self, losses):
            super().__init__()
            self.losses = losses
        def players(self): return self.losses
        def training_step(self, batch, gen, player): return {player: torch.tensor(self.losses[player])}
    assert abs(loss_difference(Loss({"a": 1.0, "b": -2.0}), Loss({"a": 1.01, "b": -4.0}), {}) - 0.5) < 1e-9          # the worst player, relative to the reference



# cell 046ee666
def test_the_watch_times_whole_steps():
    optimisers = [torch.optim.SGD([torch.nn.Parameter(torch.ones(1))]) for _ in range(2)]
    with _Stopwatch(torch.device("cpu"), 2) as watch:
        for _ in range(4):
            for optimiser in optimisers: time.sleep(0.01); optimiser.step()
    optimisers[0].step(); optimisers[1].step()                               # the watch has stopped
    assert len(watch.steps()) == 3 and all(0.02 <= seconds < 1 and processor < seconds for seconds, processor in watch.steps())
    apart = _compare([[(1.0, 0.5), (3.0, 0.25)]] * 3, [[(4.0, 1.0)]] * 3, torch.device("cpu"))
    assert apart["speed_up"] == 2.0 and apart["ratio"] == 0.5 and apart["processor_speed_up"] == 4.0



# cell 13fc0ee5
def test_flops_of_a_known_layer():
    class OneLayer(torch.nn.Linear):
        device = torch.device("cpu")
        def players(self): return {"loss": list(self.parameters())}
        def training_step(self, batch, gen, player): return {"loss": self(batch["x"]).sum()}
    layer = OneLayer(10, 20, bias=False)
    assert step_flops(layer, {"x": torch.ones(4, 10)}) == 2 * (2 * 4 * 10 * 20)     # forward, and the weight's gradient



# cell 51fc57d0
def test_a_budget_measures_each_stage_by_itself():
    rows = budget("stackgan", ["smoke"], steps=2)
    kind = systems.get("stackgan")
    assert [(r["stage"], r["side"], r["batch_size"], r["steps"]) for r in rows] == [
        ("Stage-I", 16, kind.first_training["smoke"].batch_size, kind.first_training["smoke"].steps), ("Stage-II", 32, kind.training["smoke"].batch_size, kind.training["smoke"].steps)]
    assert all(r["precision"] == "fp32" and 0 < r["seconds_per_step"] < 20 and 5e7 < r["peak_memory_bytes"] < 5e9 for r in rows)
    table = budget_table([rows[0] | {"seconds_per_step": 0.25, "steps": 6000, "precision": "bf16", "peak_memory_bytes": 1.234e9, "device": "1 CPU thread"}])
    assert "| smoke | Stage-I | 16×16 | 16 | bf16 | 0.25 s | 6,000 | 25.0 min | 1.23 GB | 1 CPU thread |" in table
    for wrong, complaint in (({"stage": "Stage-III"}, "Stage-II"), ({"stage": "Stage-I", "steps": 1}, "two steps"), ({"profile": "lap"}, "laptop")):
        try: training_cost("stackgan", **({"profile": "smoke"} | wrong))
        except InputError as error: assert complaint in str(error)
        else: raise AssertionError(f"{wrong} was let through")



# cell 9a339bd3
def test_kept_budgets_replace_their_own_line():
    row = {"system": "a", "stage": "", "profile": "laptop", "device": "x", "seconds_per_step": 1.0}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "budgets.json"
        keep_budget([row, row | {"device": "y"}], path)
        keep_budget([row | {"seconds_per_step": 2.0}], path)
        assert [(r["device"], r["seconds_per_step"]) for r in read_json(path)] == [("x", 2.0), ("y", 1.0)]
