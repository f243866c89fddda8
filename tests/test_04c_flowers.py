"""Checks of nbs/04c_flowers.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from collections import Counter
from collections.abc import Iterator
from t2ibook.core import DataError, real_data_dir
from t2ibook.datasets.base import Rows, hashed_parts
from t2ibook.datasets.base import load_dataset
from t2ibook.datasets.files import Files, caption_lines, decode_text, open_set, plain_pickle
from t2ibook.datasets.files import decode_picture
from t2ibook.datasets.flowers import (
    CREDIT_CUB,
    CREDIT_OXFORD,
    SAY_FLOWER,
    TEST_BIRDS,
    TEST_FLOWERS,
    _complete,
    _json,
    _matlab,
    _oxford102,
    _segmentations,
    _table,
    bird_crop,
    blue_mask,
    cub200_rows,
    cub200_whole_rows,
    cub_lists,
    matching,
    official_rows,
    oxford102_rows,
    oxford17_rows,
    samples_rows,
    zero_shot_parts,
)
from t2ibook.folders import numbered
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import read_picture
from t2ibook.trying import complaint, data_folder, picture_bytes, write_tree
from t2ibook.worlds import load_world
from torch import Tensor
import io
import json
import numpy as np
import os
import re
import torch


def loaded(tree, name, split="all", size=16, packed=None):
    "A tree of names and bytes, written to disk (some of it packed) and loaded as the set `name`. None takes a file out."
    with data_folder() as folder:
        write_tree(folder / ("cub" if name.startswith("cub") else "oxford_flowers"), tree, packed)
        data = load_dataset(name, split, size)
        data.images = data.images.clone()
        return data


def accidents(tree, picture, text, name):
    "What the loader of `name` says when something happens to one file of the tree."
    say = lambda **changed: complaint(loaded, tree | changed, name)
    return {"gone picture": say(**{picture: None}), "gone caption": say(**{text: None}), "truncated": say(**{picture: tree[picture][:300]}),
            "empty": say(**{text: b"one\n\nthree\n"}), "latin-1": say(**{text: b"one\na caf\xe9\n"}), "torch": say(**{text: b"\x04\0\0\0\1\0\0\0"}),
            "wide": say(**{picture: picture_bytes((0, 0, 0), (60_000, 2))})}


def tiny_oxford102():
    "Oxford-102 with twelve pictures of four classes, two of them test classes."
    from scipy.io import savemat
    numbers, tree = [1, 1, 1, 2, 2, 2, 6, 6, 6, 9, 9, 9], {}
    for i, c in enumerate(numbers, 1):
        tree[f"jpg/image_{i:05d}.jpg"] = picture_bytes((20 * i, 0, 0))
        tree[f"text_c10/class_{c:05d}/image_{i:05d}.txt"] = "".join(f"flower {i} caption {k}\n" for k in range(10)).encode()
        cut = Image.new("RGB", (48, 40), (0, 0, 254)); cut.paste((250, 200, 0), (0, 0, 24, 40))
        tree[f"segmim/segmim_{i:05d}.jpg"] = picture_bytes(cut)
    for name, held in {"imagelabels.mat": {"labels": np.array([numbers], dtype=np.uint8)},
                       "setid.mat": {"trnid": np.array([[1, 4, 7, 10]]), "valid": np.array([[2, 5, 8, 11]]), "tstid": np.array([[12, 3, 6, 9]])}}.items():
        buffer = io.BytesIO(); savemat(buffer, held); tree[name] = buffer.getvalue()
    return tree


def tiny_cub():
    "CUB-200 with nine pictures of three classes, one of them a test class, in StackGAN's layout."
    import pickle
    classes, home = ["001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross"], "birds/CUB_200_2011/"
    names = [f"{classes[i // 3]}/Bird_{i:04d}_{7 * i}" for i in range(9)]
    tree = {f"{home}classes.txt": "".join(f"{i} {c}\n" for i, c in enumerate(classes, 1)).encode(),
            f"{home}images.txt": "".join(f"{i} {n}.jpg\n" for i, n in enumerate(names, 1)).encode(),
            f"{home}image_class_labels.txt": "".join(f"{i} {(i - 1) // 3 + 1}\n" for i in range(1, 10)).encode(),
            f"{home}bounding_boxes.txt": "".join(f"{i} 18.0 15.0 12.0 10.0\n" for i in range(1, 10)).encode(),
            "birds/train/filenames.pickle": pickle.dumps(names[3:], 0), "birds/test/filenames.pickle": pickle.dumps(names[:3], 0)}
    for i, name in enumerate(names):
        picture = Image.new("RGB", (48, 40), "blue"); picture.paste((10 * i, 255, 0), (12, 8, 36, 32))
        tree[f"{home}images/{name}.jpg"] = picture_bytes(picture, quality=100, subsampling=0)
        tree[f"birds/text_c10/{name}.txt"] = f"bird {i}\nagain bird {i}\n".encode()
    return tree


# cell 3bb75ea1
def test_oxford_102_is_read_and_its_accidents_named():
    tree = tiny_oxford102()
    data = loaded(tree, "oxford102")
    assert len(data) == 12 and all(len(c) == 10 for c in data.captions) and data.captions[6][3] == "flower 7 caption 3" and data.labels.tolist()[::3] == [0, 1, 5, 8]
    assert data.images[4, :, 8, 8].sub(torch.tensor([100, 0, 0], dtype=torch.uint8)).max() < 6
    assert data.masks.shape == (12, 1, 16, 16) and data.masks[0, 0, 8, :7].min() == 255 and data.masks[0, 0, 8, 9:].max() == 0
    packed = loaded(tree, "oxford102", packed={"102flowers.tgz": "jpg/", "102segmentations.tgz": "segmim/", "cvpr2016_flowers.zip": "text_c10/"})
    assert packed.fingerprint == data.fingerprint
    test, train = loaded(tree, "oxford102", "test"), loaded(tree, "oxford102", "trainvalid")
    assert set(test.labels.tolist()) == {5, 8} and set(train.labels.tolist()) == {0, 1} and len(test) == len(train) == 6
    lists = {"text_c10/trainvalclasses.txt": b"class_00006\nclass_00009\n", "text_c10/testclasses.txt": b"class_00001\nclass_00002\n"}
    assert set(loaded(tree | lists, "oxford102", "test").labels.tolist()) == {0, 1}                   # the authors' lists decide
    lists["text_c10/testclasses.txt"] = b"class_00006\n"
    assert "class 6 is in training and in test" in complaint(loaded, tree | lists, "oxford102")
    official = {split: loaded(tree, "oxford102-official", split) for split in ("train", "valid", "test")}
    assert [official["test"].captions[i][0] for i in range(4)] == [f"flower {i} caption 0" for i in (3, 6, 9, 12)] and set(official["train"].labels.tolist()) == {0, 1, 5, 8}
    said = accidents(tree, "jpg/image_00003.jpg", "text_c10/class_00001/image_00003.txt", "oxford102")
    assert all("image_00003" in message and "\n" not in message for message in said.values()), said
    assert "line 2" in said["empty"] and "line 2" in said["latin-1"] and ".t7" in said["torch"] and "60000 by 2" in said["wide"]
    assert "102flowers" not in complaint(loaded, {}, "oxford102") and "imagelabels.mat is missing" in complaint(loaded, {}, "oxford102")
    assert "13 pictures in jpg" in complaint(loaded, tree | {"jpg/image_00013.jpg": b""}, "oxford102")
    assert "segmim_00005.jpg" in complaint(loaded, {k: v for k, v in tree.items() if "segmim_00005" not in k}, "oxford102")
    assert "imagelabels.mat cannot be read" in complaint(loaded, tree | {"imagelabels.mat": tree["imagelabels.mat"][:150]}, "oxford102")
    assert "outside the folder" in complaint(loaded, tree | {"../x.txt": b""}, "oxford102", packed={"flowers.zip": "../"})
    with data_folder(): assert "there is no folder" in complaint(load_dataset, "oxford102")



# cell d7e0618e
def test_cub_200_is_read_and_its_accidents_named():
    tree, home = tiny_cub(), "birds/CUB_200_2011/"
    data = loaded(tree, "cub200")
    assert len(data) == 9 and data.captions[4] == ["bird 4", "again bird 4"] and data.label_names[0] == "black footed albatross" and data.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert data.images[:, 2, 2:-2, 2:-2].max() < 40 and data.images[:, 1].min() > 200       # nothing of the blue surroundings is left
    assert set(loaded(tree, "cub200", "test").labels.tolist()) == {0} and loaded(tree, "cub200", packed={"x_text_c10.zip": "birds/text_c10", "CUB_200_2011.tgz": home}).fingerprint == data.fingerprint
    own = {k: v for k, v in tree.items() if not k.endswith("pickle")}
    assert set(loaded(own, "cub200", "test").labels.tolist()) == {0}                         # our list: class 1 is a test class, 2 and 3 are not
    name = "002.Laysan_Albatross/Bird_0004_28"
    said = accidents(tree, f"{home}images/{name}.jpg", f"birds/text_c10/{name}.txt", "cub200")
    assert all("Bird_0004_28" in message and "\n" not in message for message in said.values()), said
    changed = lambda name, data: complaint(loaded, tree | {name: data}, "cub200")
    assert "has 8 lines" in changed(f"{home}bounding_boxes.txt", b"".join(tree[f"{home}bounding_boxes.txt"].splitlines(True)[:-1]))
    assert "line 2" in changed(f"{home}images.txt", tree[f"{home}images.txt"].replace(b"\n2 ", b"\n5 ")) and "classes.txt lacks" in changed(f"{home}image_class_labels.txt", tree[f"{home}image_class_labels.txt"].replace(b"9 3", b"9 4"))
    assert "it is refused" in changed("birds/test/filenames.pickle", b"cos\nsystem\n(S'x'\ntR.") and "names other/bird" in changed("birds/test/filenames.pickle", b"(lp0\nVother/bird\na.")
    assert "images.txt" in complaint(loaded, {"birds/x.txt": b""}, "cub200")
    whole = loaded(tree, "cub200-whole")
    assert whole.images[:, 2, 0].min() > 200 and whole.captions == data.captions             # the blue surroundings are back



# cell c149e6e9
def test_squares_around_boxes_follow_the_rule():
    for x, y, w, h in [(60, 27, 325, 304), (14, 112, 388, 186), (0, 0, 10, 40)]:
        left, top, right, bottom = bird_crop(x, y, w, h)
        assert right - left == bottom - top == 2 * int(0.75 * max(w, h)) and abs((left + right) / 2 - (x + w / 2)) <= 1 and abs((top + bottom) / 2 - (y + h / 2)) <= 1
    whole = picture_bytes((9, 9, 9), (400, 300))
    assert decode_picture(whole, "x", 8, bird_crop(60, 27, 325, 304)).shape == (3, 8, 8)      # clipped where it leaves the picture



# cell 915dc24b
def test_oxford_17_is_read_and_its_accidents_named():
    tree = {f"flowers17_12/{part}/{kind}/image_{i:04d}.jpg": picture_bytes((10 * i, 0, 100)) for kind in ("daisy", "iris", "lily-valley") for part, of in
            {"train": range(1, 13), "test": range(13, 17)}.items() for i in of}
    data, packed = loaded(tree, "oxford17"), loaded(tree, "oxford17", packed={"flowers17_12.tar.gz": "flowers17"})
    assert len(data) == 48 and data.fingerprint == packed.fingerprint and data.label_names == ["daisy", "iris", "lily-valley"] and data.captions[-1][1] == "a lily valley"
    assert len(loaded(tree, "oxford17", "test")) == 12 and len(loaded(tree, "oxford17", "trainvalid")) == 36 and data.values(0) == {"kind": "daisy"}
    spoil = lambda name, data: complaint(loaded, tree | {name: data}, "oxford17")
    name = "flowers17_12/train/daisy/image_0003.jpg"
    assert "train/daisy has 11 pictures, but other kinds have 12" in spoil(name, None) and name in spoil(name, tree[name][:200]) and name in spoil(name, b"no picture")
    assert "t2ibook data get oxford17" in complaint(loaded, {"x.txt": b""}, "oxford17")



# cell 6b393c5e
def test_samples_are_read_and_their_accidents_named():
    tree = {f"samples/pairs/{kind}/{i}.jpg": picture_bytes((9 * i, 0, 90)) for kind in ("birds", "flowers") for i in range(7)}
    rows = [{"file": name[8:], "dataset": "cub" if "birds" in name else "oxford102", "caption": f"this one is {i}", "paired": True} for i, name in enumerate(tree)]
    text = lambda rows: "".join(json.dumps(row) + "\n" for row in rows + [{"file": "images/none.jpg", "paired": False}]).encode()
    tree["samples/samples.jsonl"] = text(rows)
    data = loaded(tree, "samples102")
    assert len(data) == 14 and data.captions[3] == ["this one is 3"] and data.label_names == ["cub", "oxford102"] and data.labels.sum() == 7
    assert data.fingerprint == loaded(tree, "samples102", packed={"oxford102_cub_samples.tar.gz": "samples/"}).fingerprint
    assert [len(loaded(tree, "samples102", split)) for split in ("train", "valid", "test")] == [10, 2, 2]
    assert "birds/3.jpg is missing" in complaint(loaded, {k: v for k, v in tree.items() if "birds/3" not in k}, "samples102")
    rows[4]["caption"] = " "
    assert "line 5, has an empty caption" in complaint(loaded, tree | {"samples/samples.jsonl": text(rows)}, "samples102")
    assert "samples.jsonl, line 1, is not JSON" in complaint(loaded, tree | {"samples/samples.jsonl": b"{"}, "samples102")



# cell 3344f8ae
def test_the_real_lists_have_the_papers_counts():
    import pytest
    if "PYTEST_CURRENT_TEST" in os.environ and not os.environ.get("T2IBOOK_DATA"): pytest.skip("T2IBOOK_DATA is not set")
    if os.environ.get("T2IBOOK_DATA"):
        flowers, birds = (real_data_dir() / name for name in ("oxford_flowers", "cub"))
        if (flowers / "imagelabels.mat").is_file():
            labels, = _matlab(open_set(flowers), "imagelabels.mat", "labels")
            assert len(labels) == 8189 and len(set(labels)) == 102 and np.isin(labels, TEST_FLOWERS).sum() == 1155 and len(TEST_FLOWERS) == 20
        if (birds / "cub_metadata.tar.gz").is_file():
            files = open_set(birds, ["cub_metadata*"])
            home, names, numbers, classes, crops = cub_lists(files)
            parts = zero_shot_parts(files, [n.rsplit(".", 1)[0] for n in names], [classes[c - 1] for c in numbers.tolist()], numbers, TEST_BIRDS, "cub200")
            assert (len(names), len(classes), len(parts["test"]), len(parts["train"]) + len(parts["valid"])) == (11_788, 200, 2933, 8855)
            assert set(numbers[parts["test"]].tolist()) == set(TEST_BIRDS) and len(TEST_BIRDS) == 50
            info = {part: plain_pickle(files.read(f"birds/{part}/class_info.pickle"), part) for part in ("train", "test")}
            assert sorted(info["test"]) == sorted(numbers[parts["test"]].tolist()) and all(type(c) is int for c in info["train"])
        if list(flowers.glob("flowers17_12*")):
            parts = {split: len(load_dataset("oxford17", split, 16)) for split in ("train", "valid", "test")}
            assert sum(parts.values()) == 960 and parts["test"] == 240
        if list(flowers.glob("oxford102_cub_samples*")): assert len(load_dataset("samples102", "all", 16)) == 14
