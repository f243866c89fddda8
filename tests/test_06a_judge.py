"""Checks of nbs/06a_judge.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from functools import cache
from pathlib import Path
from t2ibook.core import DataError, InputError, WeightsError, published_dir, read_json, write_json
from t2ibook.core import generator
from t2ibook.judge import (
    JUDGED,
    Judge,
    accuracy,
    load_judge,
    softened,
)
from t2ibook.layers import DownBlock, load_weights, save_weights
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.pictures import to_signed
from t2ibook.worlds import load_world
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.functional import gaussian_blur
import tempfile
import torch


# cell 77076941
def test_a_judge_learns_to_read():
    judge = Judge("dots", {"colour": ("dark", "bright"), "side": ("left", "right")}, width=4)
    gen = generator(0, "judge-test")
    def batch(n):
        colour, side = torch.randint(2, (2, n), generator=gen)
        image = torch.full((n, 3, 64, 64), -1.0)
        for i in range(n): image[i, :, 20:44, 8 + 24 * side[i]:32 + 24 * side[i]] = 0.2 + 0.6 * colour[i]
        return {"image": image, "attributes": {"colour": colour, "side": side}}
    adam = torch.optim.Adam(judge.parameters(), 3e-3)
    torch.manual_seed(0)
    for _ in range(60):
        losses = judge(batch(32), gen)
        adam.zero_grad(); losses["loss"].backward(); adam.step()
    fresh = batch(64)
    assert min(accuracy(judge, fresh["image"] * 0.5 + 0.5, fresh["attributes"]).values()) > 0.9
    assert set(losses) == {"loss", "colour", "side"}



# cell e9f96533
def test_a_judge_survives_its_folder_and_refuses_damage():
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge("dots", {"side": ("left", "right")}, width=4)
        judge.save(folder)
        pictures = torch.rand(3, 3, 32, 32, generator=generator(0, "p"))
        assert torch.equal(Judge.load(folder).read(pictures)["side"], judge.half().float().read(pictures)["side"])
        weights = Path(folder) / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:100])
        for broken in (folder, Path(folder) / "none"):
            try: Judge.load(broken); message = ""
            except WeightsError as error: message = str(error)
            assert "truncated or altered" in message or "holds no judge" in message



# cell 1a59fb7c
def test_published_judges_read_unseen_combinations():
    for name in JUDGED:
        judge, sample = load_judge(name), load_world(name).sample(120, seed=99, split="test")
        right = accuracy(judge, to_unit(sample["image"]), sample["attributes"])
        assert min(right.values()) > 0.96, (name, right)      # 120 pictures; the record has the figure over thousands
