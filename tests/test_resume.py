"""A training process is killed with SIGKILL at random steps; what it ends with equals the uninterrupted run, bit for bit."""
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from t2ibook.core import sha256
from t2ibook.training import read_log

PROGRAM = """
import dataclasses, sys, time, torch
from t2ibook.datasets import load_dataset
from t2ibook.systems.imagination import Imagination, ImaginationConfig
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import TrainConfig, train
torch.set_num_threads(1)
digits = load_dataset("digits", "train", size=32, n=100)
vocabulary = Vocabulary.build([c for captions in digits.captions for c in captions])
torch.manual_seed(0)
config = ImaginationConfig(image_size=32, hidden=8, word_dim=8, start_channels=16, latent="cvae", word_dropout=0.1)
system = Imagination(config, vocabulary)
plan = TrainConfig(steps=80, batch_size=16, ema=0.9, log_every=1, checkpoint_every=7, sample_every=40)
slow = (lambda entry: time.sleep(0.03)) if "--slow" in sys.argv else None     # leaves time to be killed in
train(system, digits, plan, sys.argv[1], resume=True, notify=slow)
system.save(sys.argv[1], half=False)
"""


def run(folder, *flags): return subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), *flags])


def test_killed_at_random_steps(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    straight = run(whole)
    rng = random.Random(0)
    for low, high in ((10, 30), (40, 70)):              # mid-epoch, and never at a checkpoint for sure
        target, process = rng.randint(low, high), run(broken, "--slow")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            log = read_log(broken)
            if log and log[-1]["step"] >= target: break
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not (broken / "weights.safetensors").exists()
    assert run(broken).wait() == 0 and straight.wait() == 0
    assert sha256(broken / "weights.safetensors") == sha256(whole / "weights.safetensors")
    steps = [entry["step"] for entry in read_log(broken)]
    assert steps == list(range(1, 81))                  # the log tells each step once
    assert not list(Path(broken, "checkpoints").glob(".writing-*"))
