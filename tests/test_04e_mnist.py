"""Checks of nbs/04e_mnist.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from collections.abc import Iterator
from dataclasses import replace
from t2ibook.core import DataError, InputError, generator, real_data_dir
from t2ibook.datasets.base import DIGITS, SAY_DIGIT, Dataset, Rows
from t2ibook.datasets.base import load_dataset
from t2ibook.datasets.files import Files, open_set, unzipped
from t2ibook.datasets.mnist import (
    CREDIT_MNIST,
    _FILES,
    binarised,
    idx_array,
    mnist_arrays,
    mnist_rows,
)
from t2ibook.pictures import picture_sheet
from t2ibook.trying import complaint, data_folder, write_tree
import gzip
import numpy as np
import os
import torch


def idx(array): return b"\0\0\x08" + bytes([array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.astype(np.uint8).tobytes()


def loaded(tree, split="all", size=32):
    "A tree of names and bytes, written to disk and loaded. None takes a file out."
    with data_folder() as folder:
        write_tree(folder / "mnist", tree)
        data = load_dataset("mnist", split, size)
        data.images = data.images.clone()
        return data


def tiny_mnist(pack=lambda data: data, suffix="", n=(36, 10)):
    rng = np.random.default_rng(0)
    return {f"{part}-{what}-idx{d}-ubyte{suffix}": pack(idx(rng.integers(0, 256, (count, 28, 28)) if d == 3 else rng.integers(0, 10, count)))
            for part, count in zip(("train", "t10k"), n) for what, d in (("images", 3), ("labels", 1))}


# cell b9efe1fb
def test_idx_files_are_read_to_the_byte():
    array = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    assert (idx_array(idx(array), "x") == array).all() and (idx_array(gzip.compress(idx(array)), "x") == array).all() and (idx_array(idx(array[0, 0]), "x") == array[0, 0]).all()
    assert idx(np.zeros((60000, 1)))[:8].hex() == "000008020000ea60"                                  # 2050 would be a table; pictures are 2051
    for spoiled in [idx(array)[:-1], idx(array) + b"\0", idx(array)[:7], b"", b"\x89PNG....", b"\0\0\x0d" + idx(array)[3:]]:
        assert complaint(idx_array, spoiled, "train-images").startswith("train-images "), spoiled
    assert "damaged" in complaint(idx_array, gzip.compress(idx(array))[:-5], "train-images.gz")



# cell 259de47e
def test_mnist_is_read_and_its_accidents_named():
    plain, packed = tiny_mnist(), tiny_mnist(gzip.compress, ".gz")
    data = loaded(plain)
    assert len(data) == 46 and data.fingerprint == loaded(packed).fingerprint == loaded({f"MNIST/raw/{k}": v for k, v in plain.items()}).fingerprint
    assert [len(loaded(plain, split)) for split in ("train", "valid", "test", "trainvalid")] == [33, 3, 10, 36]
    pixels = idx_array(plain["t10k-images-idx3-ubyte"], "")
    test = loaded(plain, "test")
    assert (test.images[4, :, 2:30, 2:30].numpy() == pixels[4]).all() and not test.images[:, :, :2].any() and test.images.shape == (10, 3, 32, 32)
    assert test.labels.tolist() == idx_array(plain["t10k-labels-idx1-ubyte"], "").tolist() and test.values(0)["digit"] == DIGITS[test.labels[0]] and DIGITS[test.labels[0]] in test.captions[0][0]
    for name in plain:
        say = lambda data: complaint(loaded, plain | {name: data})
        assert f"has no {name}" in say(None) and name in say(plain[name][:-1]) and name in say(b"hello") and name in say(b"\x04\0\0\0\1\0\0\0")
        assert f"{name}.gz is damaged" in complaint(loaded, packed | {f"{name}.gz": packed[f"{name}.gz"][:-9]})
    assert "9 labels, but there are 10" in complaint(loaded, plain | {"t10k-labels-idx1-ubyte": idx(np.zeros(9))})
    assert "label 77" in complaint(loaded, plain | {"t10k-labels-idx1-ubyte": idx(np.full(10, 77))}) and "another file" in complaint(loaded, plain | {"t10k-labels-idx1-ubyte": idx(pixels)})



# cell 42798d75
def test_size_28_gives_the_pixels_of_the_file():
    plain = tiny_mnist()
    for split, part, rows in [("train", "train", slice(0, 33)), ("valid", "train", slice(33, 36)), ("test", "t10k", slice(0, 10))]:
        stored, data = torch.from_numpy(idx_array(plain[f"{part}-images-idx3-ubyte"], "").copy())[rows], loaded(plain, split, 28)
        assert data.images.shape[1:] == (3, 28, 28) and all(torch.equal(data.images[:, c], stored) for c in range(3))
    assert loaded(plain, "test", 30).images.shape == (10, 3, 30, 30)



# cell 10762e62
def test_the_real_mnist():
    import pytest
    if "PYTEST_CURRENT_TEST" in os.environ and not os.environ.get("T2IBOOK_DATA"): pytest.skip("T2IBOOK_DATA is not set")
    if os.environ.get("T2IBOOK_DATA") and (real_data_dir() / "mnist").is_dir():
        held = mnist_arrays(open_set(real_data_dir() / "mnist"))
        assert held["train-images"].shape == (60_000, 28, 28) and held["t10k-images"].shape == (10_000, 28, 28)
        assert np.bincount(held["train-labels"]).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        assert len(load_dataset("mnist", "test", 32, n=50)) == 50
        assert (load_dataset("mnist", "test", 28).images[:, 1].numpy() == held["t10k-images"]).all()



# cell bcabe694
def test_binarised_pictures_are_fair_coins():
    grey = loaded(tiny_mnist(), "test", 28).subset(torch.arange(4))
    grey.images[0, :, 0, :3] = torch.tensor([0, 1, 255], dtype=torch.uint8)                                             # the ends
    first, again, other = binarised(grey, 1), binarised(grey, 1), binarised(grey, 2)
    assert first.images.unique().tolist() == [0, 255] and first.images.dtype == torch.uint8 and first.images.shape == grey.images.shape
    assert torch.equal(first.images, again.images) and first.fingerprint == again.fingerprint
    assert len({grey.fingerprint, first.fingerprint, other.fingerprint}) == len({grey.name, first.name, other.name}) == 3
    assert torch.equal(first.images[:, 0], first.images[:, 2]) and first.captions == grey.captions and torch.equal(first.labels, grey.labels)
    p, n = grey.images[:, 0] / 255, 400
    mean = torch.stack([binarised(grey, seed).images[:, 0] / 255 for seed in range(n)]).mean(0)
    assert ((mean - p).abs() <= 5 * (p * (1 - p) / n).sqrt() + 1e-6).all() and abs(float((mean - p).mean())) < 1e-3        # the ends are exact
    long = torch.full((1100, 3, 28, 28), 128, dtype=torch.uint8)                                                       # more than one part
    long = binarised(Dataset("flat", "train", long, [["x"]] * 1100, torch.arange(1100), []))
    assert len(long.images[:, 0].flatten(1).unique(dim=0)) == 1100 and abs(float(long.images[:, 0].float().mean()) / 255 - 128 / 255) < 0.003
    grey.images[1, 0, 0, 0] ^= 255
    assert "mnist has colours" in complaint(binarised, grey)
