"""Checks of nbs/09c_bench.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from t2ibook import systems
from t2ibook.bench import (
    _Repeat,
    _Stopwatch,
    _plain_loop,
    _wait,
    bench,
    machine_peak,
    step_flops,
)
from t2ibook.core import InputError, best_device, check_choice, generator
from t2ibook.records import hardware, peak_memory_bytes
from t2ibook.repeated import without_packing
from t2ibook.training import TrainConfig, make_optimiser, train
import dataclasses
import statistics
import tempfile
import time
import torch


# cell 92c5847f
def test_the_shared_loop_costs_little_more_than_the_plain_one():
    result = bench("imagination", "smoke", steps=8)
    assert result["ratio"] < 3 and result["seconds_per_step"] > 0            # smoke networks are tiny: here overhead shows most
    assert 0 < result["share_of_peak"] < 1.5 and result["flops_per_step"] > 1e8
    assert result["pictures_per_second"] == result["batch_size"] / result["seconds_per_step"]
    assert result["reference"] == "the plain loop" and abs(result["speed_up"] * result["ratio"] - 1) < 1e-9



# cell 7b3c6b3c
def test_a_system_written_for_speed_meets_its_plain_version():
    result = bench("aligndraw", "smoke", steps=3, blocks=2)
    assert result["reference"] == "PlainAlignDraw in the plain loop" and result["speed_up"] > 0.3 and result["share_of_peak"] < 1.5
    net = systems.get("aligndraw").example("smoke")
    batch = net.example_batch(4)
    ours, plain = step_flops(net, batch), step_flops(systems.reference("aligndraw").of(net), batch)
    assert 0.5 * plain < ours < plain                                        # nothing went uncounted, and the keys are computed once
    data = _Repeat(batch, net.vocabulary)
    assert torch.equal(net.vocabulary.encode(data.batch(None, None)["caption"])[0], batch["tokens"]) and len(data) == 4



# cell 13fc0ee5
def test_flops_of_a_known_layer():
    class OneLayer(torch.nn.Linear):
        device = torch.device("cpu")
        def players(self): return {"loss": list(self.parameters())}
        def training_step(self, batch, gen, player): return {"loss": self(batch["x"]).sum()}
    layer = OneLayer(10, 20, bias=False)
    assert step_flops(layer, {"x": torch.ones(4, 10)}) == 2 * (2 * 4 * 10 * 20)     # forward, and the weight's gradient
