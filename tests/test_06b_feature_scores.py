"""Checks of nbs/06b_feature_scores.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from t2ibook.core import InputError, WeightsError, generator, sha256
from t2ibook.datasets import Dataset, crop_and_flip
from t2ibook.datasets import load_dataset
from t2ibook.feature_scores import (
    Extracted,
    Extractor,
    _WithHead,
    _distances,
    _pictures,
    _refuse_few,
    _sureness,
    extract,
    feature_scores,
    inception_extractor,
    judge_extractor,
    judge_features,
    network_extractor,
    protocol_box,
    score_features,
    split_shortfall,
    weights_digest,
)
from t2ibook.judge import Judge
from t2ibook.judge import load_judge
from t2ibook.metrics import FEWEST, Score, frechet_distance, inception_score, kernel_distance
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import to_signed
from t2ibook.reports import markdown_table
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.functional import gaussian_blur
from unittest.mock import patch
import json
import math
import matplotlib.pyplot as plt
import tempfile
import torch
import warnings


def tiny(count, side=16, seed=0):
    "A data set of random pictures, and a small network that has never learned."
    images = torch.randint(256, (count, 3, side, side), generator=generator(seed, "tiny"), dtype=torch.uint8)
    return Dataset("tiny", "test", images, [["a picture"]] * count, torch.zeros(count, dtype=torch.long), ["any"])

def eyes_of(*layers, name="eyes"):
    torch.manual_seed(0)
    return network_extractor(_WithHead(nn.Sequential(nn.Flatten(), *layers), nn.Linear(4, 3)), name)


# cell b2cc9847
def test_features_are_what_the_heads_read():
    judge, pictures = load_judge("scenes"), torch.rand(50, 3, 64, 64, generator=generator(0, "pictures"))
    found = extract(judge_extractor(judge), pictures, batch=7)
    for head, p in found.probabilities.items():
        torch.testing.assert_close(judge.heads[head](found.features).softmax(1).double(), p, atol=1e-5, rtol=0)
        assert torch.equal(p.argmax(1), judge.read(pictures)[head])
    torch.testing.assert_close(judge_features(judge, pictures), found.features, atol=1e-4, rtol=1e-4)          # whatever the batch
    assert found.extractor.sha256 == judge.sha256 and len(judge.sha256) == 64 and found.side == "64×64" and len(found) == 50
    assert torch.equal(found.pick(torch.tensor([3, 3])).features[1], found.features[3]) and not judge.trunk._forward_hooks



# cell 5fb5219c
def test_extraction_takes_bytes_numbers_and_grey_and_refuses_the_rest():
    judge = Judge("dots", {"side": ("left", "right")}, width=4).train()
    eyes, pictures = judge_extractor(judge), torch.randint(256, (9, 3, 32, 32), generator=generator(0, "bytes"), dtype=torch.uint8)
    found = extract(eyes, pictures)
    torch.testing.assert_close(extract(eyes, pictures / 255).features, found.features)
    assert torch.equal(extract(eyes, pictures).features, found.features) and judge.training                   # dropout was off, and is on again
    grey = pictures[:, :1]
    torch.testing.assert_close(extract(eyes, grey).features, extract(eyes, grey.repeat(1, 3, 1, 1)).features)
    for wrong, words in [(pictures / 255 * 2 - 1, "from -1 to 1"), (pictures.float(), "to 255"), (pictures[:0], "at least one"),
                         (pictures[0], "(3, 32, 32)"), (torch.full((1, 3, 8, 8), math.nan), "nan"), (pictures.long(), "bytes")]:
        try: extract(eyes, wrong); message = ""
        except InputError as error: message = str(error)
        assert words in message, message
    for read, words in [(lambda p: (p.flatten(1) / 0, {}), "picture 0"), (lambda p: (p, {}), "one vector a picture")]:
        try: extract(replace(eyes, read=read), pictures); message = ""
        except InputError as error: message = str(error)
        assert words in message
    before = weights_digest(judge)
    judge.heads["side"].bias.data += 1
    assert before == eyes.sha256 != weights_digest(judge)



# cell f4a82872
def test_any_network_can_be_an_extractor():
    pictures = torch.rand(5, 3, 16, 16, generator=generator(0, "pictures"))
    mean, std = (0.1, 0.2, 0.3), (1.0, 2.0, 4.0)
    found = extract(network_extractor(nn.Flatten(), "pixels", mean=mean, std=std), pictures)
    slow = torch.stack([torch.cat([(picture[c] - mean[c]).flatten() / std[c] for c in range(3)]) for picture in pictures])
    torch.testing.assert_close(found.features, slow)
    assert found.probabilities == {} and found.extractor.resize == "none" and not found.extractor.imagenet
    small = extract(network_extractor(nn.Flatten(), "pixels", size=8), pictures).features
    torch.testing.assert_close(small, F.interpolate(pictures, size=(8, 8), mode="bilinear", antialias=True).flatten(1))
    paired = extract(network_extractor(_WithHead(nn.Flatten(), nn.Linear(768, 4)), "with head"), pictures)
    assert paired.probabilities["class"].shape == (5, 4) and torch.allclose(paired.probabilities["class"].sum(1), torch.ones(5).double())



# cell d6d647df
def test_inception_is_read_from_a_file():
    from torchvision.models import inception_v3
    torch.manual_seed(0)
    network, pictures = inception_v3(weights=None, init_weights=False, transform_input=True).eval(), torch.rand(2, 3, 40, 40)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inception.pth"
        torch.save(network.state_dict(), path)
        eyes = inception_extractor(path)
        found = extract(eyes, pictures)
        assert eyes.sha256 == sha256(path) and eyes.imagenet and found.features.shape == (2, 2048)
        imagenet = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]              # as torchvision's own transform
        large = F.interpolate(pictures, size=(299, 299), mode="bilinear", antialias=True)
        with torch.no_grad(): p = network((large - imagenet[0]) / imagenet[1]).double().softmax(1)
        torch.testing.assert_close(found.probabilities["class"], p, atol=1e-5, rtol=1e-3)
        path.write_bytes(b"no weights")
        for wrong, words in [(path, "does not hold"), (Path(folder) / "none.pth", "there are no weights")]:
            try: inception_extractor(wrong); message = ""
            except WeightsError as error: message = str(error)
            assert words in message



# cell 5bafb735
def test_gaussians_have_their_distance_and_probabilities_their_score():
    gen = generator(0, "golden")
    def white(count, width):
        "A sample (count, width) whose own mean is 0 and whose own covariance is the identity."
        z = torch.randn(count, width, generator=gen, dtype=torch.float64)
        z = z - z.mean(0)
        return z @ torch.linalg.inv(torch.linalg.cholesky(z.T.cov())).T
    s1, s2, shift = torch.tensor([1.0, 2, 3, 0]).double(), torch.tensor([2.0, 2, 0.5, 1]).double(), torch.tensor([0.0, 3, 0, 4]).double()
    assert abs(frechet_distance(white(3000, 4) * s1, white(2500, 4) * s2) - (s1 - s2).square().sum()) < 1e-6
    assert abs(frechet_distance(white(3000, 4) * s1, white(2500, 4) * s1 + shift) - 25) < 1e-6             # a shift alone: 3² + 4²
    for classes in (2, 7):
        assert abs(inception_score(torch.eye(classes).repeat(200, 1), splits=1)[0] - classes) < 1e-9       # one-hot over K classes
        assert abs(inception_score(torch.full((200, classes), 1 / classes))[0] - 1) < 1e-9                 # never sure
    assert abs(inception_score(torch.eye(8)[:4].repeat(100, 1), splits=1)[0] - 4) < 1e-9                   # half of the classes
    p = torch.rand(500, 6, generator=gen).double().pow(3)
    p, entropy = p / p.sum(1, keepdim=True), lambda q: -(q * q.log()).sum(-1)
    assert abs(inception_score(p, splits=1)[0] - (entropy(p.mean(0)) - entropy(p).mean()).exp()) < 1e-9    # (3)



# cell 2d921bdd
def test_the_distance_is_stable_with_fewer_pictures_than_features():
    gen = generator(0, "few")
    a, b = torch.randn(40, 192, generator=gen).relu() * 8, torch.randn(30, 192, generator=gen).relu() * 5
    a, b = a.double(), b.double()
    x, y = a - a.mean(0), b - b.mean(0)
    root = torch.linalg.svdvals(x @ y.T).sum() / math.sqrt(39 * 29)                                        # (4)
    slow = (a.mean(0) - b.mean(0)).square().sum() + x.square().sum() / 39 + y.square().sum() / 29 - 2 * root
    assert abs(frechet_distance(a, b, force=True) / slow.item() - 1) < 1e-6
    assert frechet_distance(a, a, force=True) < 1e-3 < frechet_distance(a, a + 1, force=True)
    assert abs(frechet_distance(a, b, force=True) - frechet_distance(b, a[torch.randperm(40, generator=gen)], force=True)) < 1e-4



# cell 84342baa
def test_the_kernel_distance_is_unbiased():
    gen = generator(0, "unbiased")
    clouds = [torch.randn(2, 40, 8, generator=gen) + 1 for _ in range(300)]                                 # equal distributions, few samples
    found = torch.tensor([kernel_distance(a, b, subsets=1, force=True)[0] for a, b in clouds]).double()
    error = found.std() / len(found) ** 0.5
    k = lambda x, y: (x @ y.T / 8 + 1) ** 3
    with_diagonal = torch.tensor([(k(a, a).mean() + k(b, b).mean() - 2 * k(a, b).mean()).item() for a, b in clouds])
    assert found.mean().abs() < 3 * error and (found < 0).float().mean() > 0.2                              # about 0, and often below
    assert with_diagonal.min() > 0 and with_diagonal.mean() > 30 * error                                    # the usual mean would be biased
    moved = torch.tensor([kernel_distance(a, b + 0.5, subsets=1, force=True)[0] for a, b in clouds])
    assert moved.mean() > 10 * error



# cell b47406b1
def test_torchmetrics_agrees():
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance
    data, eyes = load_dataset("scenes", "test", size=32, n=240), judge_extractor(load_judge("scenes"))
    class Eyes(nn.Module):
        num_features = 192
        def forward(self, x): return extract(eyes, x).features.double()
    class Says(nn.Module):
        def forward(self, x): return extract(eyes, x).probabilities["object"].log()
    a, b = data.images[:120] / 255, (data.images[120:] / 255 + 0.1 * torch.randn(120, 3, 32, 32, generator=generator(0, "noise"))).clamp(0, 1)
    draws, permutation = generator(3, "kernel distance"), torch.randperm
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)                        # torchmetrics warns that it keeps all features
        fid, kid, score = FrechetInceptionDistance(Eyes(), normalize=True), KernelInceptionDistance(Eyes(), 5, 80), InceptionScore(Says())
    for metric in (fid, kid):
        metric.update(a, real=True)
        metric.update(b, real=False)
    score.update(b)
    A, B = extract(eyes, a), extract(eyes, b)
    near = lambda found, ours: abs(found.item() / ours - 1) < 1e-4
    assert near(fid.compute(), frechet_distance(A.features, B.features, force=True))
    with patch("torch.randperm", lambda count: permutation(count, generator=draws)): theirs = kid.compute()
    assert all(map(near, theirs, kernel_distance(A.features, B.features, 5, 80, seed=3)))
    with patch("torch.randperm", lambda count: permutation(count, generator=generator(3, "inception score"))): theirs = score.compute()
    value, spread = inception_score(B.probabilities["object"], seed=3, force=True)
    assert near(theirs[0], value) and near(theirs[1], spread * (10 / 9) ** 0.5)



# cell 32e034b3
def test_splits_lower_the_score_as_predicted():
    gen = generator(0, "shortfall")
    p = (3 * torch.randn(40_000, 12, generator=gen)).softmax(1).double()
    whole_set = math.log(inception_score(p, splits=1)[0])
    for size in (100, 400):
        found = whole_set - torch.tensor([math.log(inception_score(part, splits=1)[0]) for part in p.split(size)]).mean().item()
        predicted = split_shortfall(p, len(p) // size)
        assert 0 < predicted <= 11 / (2 * size) and abs(found / predicted - 1) < 0.1
    assert abs(split_shortfall(torch.eye(5).repeat(40, 1), 10) - 4 / (2 * 20)) < 1e-9        # one-hot: the bound is reached



# cell 7dd5f5f2
def test_scores_come_with_floor_and_protocol():
    real_set, drawn, network = tiny(5000), tiny(2100, seed=1).images, eyes_of(nn.Linear(768, 4))
    scores = feature_scores(drawn, real_set, network, subsets=2, subset_size=300)
    assert list(scores) == ["fd", "kd", "inception_score_class"] and all(s.n == 2100 and s.floor is not None for s in scores.values())
    order = torch.randperm(5000, generator=generator(0, "real against real"))
    found, new = extract(network, real_set), extract(network, drawn)
    others, reference = found.features[order[:2100]], found.features[order[2100:]]
    assert scores["fd"].floor == frechet_distance(others, reference) and scores["fd"].value == frechet_distance(new.features, reference)
    assert (scores["kd"].value, scores["kd"].spread) == kernel_distance(new.features, reference, 2, 300)
    assert scores["kd"].floor == kernel_distance(others, reference, 2, 300)[0]
    assert scores["inception_score_class"].floor == inception_score(found.probabilities["class"][order[:2100]])[0]
    box = scores["kd"].protocol
    assert (box["n_drawn"], box["n_reference"], box["n_floor"], box["side_drawn"], box["subset_size"]) == (2100, 2900, 2100, "16×16", 300)
    assert box["extractor_sha256"] == weights_digest(network.network) and box["reference_fingerprint"] == real_set.fingerprint and "forced" not in box
    assert all(Score.from_json(json.loads(json.dumps(s.to_json()))) == s for s in scores.values())
    again = feature_scores(drawn[torch.randperm(2100, generator=generator(0, "shuffle"))], real_set, network, splits=0, subsets=1, subset_size=300)
    assert abs(again["fd"].value / scores["fd"].value - 1) < 1e-9 and "inception_score_class" not in again      # the order does not count
    named = feature_scores(drawn, real_set, replace(network, imagenet=True), subsets=1, subset_size=300, floor=False)
    assert list(named)[:2] == ["fid", "kid"] and named["fid"].floor is None and named["fid"].protocol["n_reference"] == 5000
    lines = protocol_box(scores).splitlines()
    assert len(lines) == 7 and f"extractor sha256: {network.sha256[:12]}…" in lines[-1] and "splits: 10" in lines[4] and "splits" not in lines[-1]



# cell 13440897
def test_too_few_pictures_are_refused_unless_forced():
    network, real_set, drawn = eyes_of(nn.Linear(768, 4)), tiny(4096), tiny(2048, seed=1).images
    wide, larger = network_extractor(_WithHead(nn.Sequential(nn.Flatten(), nn.Linear(768, 2048)), nn.Linear(2048, 2)), "wide"), tiny(10, side=24)
    few = lambda count: real_set.subset(torch.arange(count))
    for pictures, data, eyes, options, words in [
            (drawn[:2047], real_set, network, {}, "2,047 drawn against 2,049 real pictures"), (drawn, few(4095), network, {}, "2,048 being set aside"),
            (drawn, few(2047), network, {"floor": False}, "2,048 drawn against 2,047 real pictures are too few"),
            (drawn, real_set, wide, {}, "2,048 features need 2,049"), (drawn[:9], few(10), network, {"force": True}, "too few"),
            (larger.images, few(30), network_extractor(nn.AdaptiveAvgPool2d(2), "maps"), {"force": True}, "one vector a picture"),
            (drawn, real_set, replace(network, read=lambda p: (p.flatten(1)[:, :4], {})), {"subset_size": 3000}, "at least 3,000")]:
        try: feature_scores(pictures, data, eyes, **options); message = ""
        except InputError as error: message = str(error)
        assert words in message, message
    forced = feature_scores(drawn[:60], few(100), network, subsets=4, force=True)
    assert all(s.protocol["forced"] == "under 2,048 pictures on a side" for s in forced.values())          # 60 are enough for 3 classes
    assert forced["kd"].protocol["subset_size"] == 20 and forced["kd"].spread > 0 and forced["fd"].protocol["n_reference"] == 40
    grid = network_extractor(nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()), "grid")
    a, b, about = extract(grid, drawn), extract(grid, tiny(2048, side=24).images), {"reference": "tiny", "reference_fingerprint": "0"}
    for wrong, words in [((a, b, about), "measures blur"), ((a, a, about, b.pick(torch.arange(9))), "needs 2,048 other real ones"),
                         ((a, extract(network, drawn), about), "different networks"), ((a, a, {}), "does not say: reference"),
                         ((replace(a, probabilities={"class": torch.full((2048, 200), 0.005).double()}), a, about), "needs 3,980 pictures, not 2,048")]:
        try: score_features(*wrong, subsets=1); message = ""
        except InputError as error: message = str(error)
        assert words in message, message
    assert score_features(a, b, about, subsets=1, force=True)["fd"].protocol["forced"] == "sides differ"
