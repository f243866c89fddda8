"""Checks of nbs/04d_photos.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image, ImageDraw
from collections import Counter
from collections.abc import Iterator
from t2ibook.core import DataError, derived_seed, real_data_dir
from t2ibook.core import generator
from t2ibook.datasets.base import Rows, hashed_parts
from t2ibook.datasets.base import load_dataset, pick_rows, rows_dataset
from t2ibook.datasets.files import Files, decode_text, open_set, unzipped
from t2ibook.datasets.photos import (
    CREDIT_COCO,
    CREDIT_FLICKR,
    _coco_home,
    _coco_part,
    _flickr_parts,
    _json,
    _may_be_shown,
    _merged,
    coco_rows,
    flickr8k_rows,
    outline_mask,
    read_caption_table,
    read_token_file,
)
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.trying import complaint, data_folder, picture_bytes, write_tree
import csv
import io
import json
import numpy as np
import os
import re
import torch


def loaded(tree, name, split="all", size=16, archive=None, augment=False):
    "A tree of names and bytes, written to disk or packed, and loaded as the set `name`. None takes a file out."
    with data_folder() as folder:
        write_tree(folder / name, tree, packed={archive: ""} if archive else None)
        data = load_dataset(name, split, size, augment=augment)
        data.images = data.images.clone()
        return data


def tiny_flickr(layout):
    "Flickr8k with thirty pictures, as a table or as token files with the authors' lists."
    names = [f"{1000268201 + i}_693b08cb0e.jpg" for i in range(30)]
    if layout == "table":
        rows = [f'{n},"A dog , number {i} , runs {k} ."' for i, n in enumerate(names) for k in range(5)]
        return {f"flickr8k_1000/Images/{n}": picture_bytes((8 * i, 0, 0)) for i, n in enumerate(names)} | {"flickr8k_1000/captions.txt": ("image,caption\n" + "\n".join(rows) + "\n").encode()}
    rows = [f"{n}#{k}\tA dog , number {i} , runs {k} ." for i, n in enumerate(names) for k in range(5)] + ["2258277193_586949ec62.jpg.1#0\tA cat ."]
    lists = {"train": names[:20], "dev": names[20:25], "test": names[25:]}
    return ({f"Flicker8k_Dataset/{n}": picture_bytes((8 * i, 0, 0)) for i, n in enumerate(names)} | {"Flickr8k.token.txt": "\n".join(rows).encode()}
            | {f"Flickr_8k.{part}Images.txt": "\n".join(v).encode() for part, v in lists.items()})


def tiny_coco(year="2014"):
    "COCO with four training and eight validation pictures, two kinds of object, a crowd, a picture without objects."
    tree = {}
    for part, numbers in {"train": range(9, 13), "val": range(42, 50)}.items():
        images, said, found = [], [], []
        for i in numbers:
            file = (f"COCO_{part}2014_" if year == "2014" else "") + f"{i:012d}.jpg"
            tree[f"{part}{year}/{file}"] = picture_bytes((5 * i, 0, 0), (64, 48))
            images.append({"id": i, "file_name": file, "width": 640, "height": 480, "license": i % 8 + 1, "flickr_url": f"http://example.org/{i}"})
            said += [{"id": 100 * i + k, "image_id": i, "caption": f"Picture {i},\n said {k}."} for k in range(5)]
            square = [0, 0, 320, 0, 320, 480, 0, 480]
            if i % 4: found += [{"id": i, "image_id": i, "category_id": 18 if i % 2 else 1, "area": 9, "iscrowd": 0, "segmentation": [square]}]
            if i == 9: found += [{"id": 99, "image_id": i, "category_id": 1, "area": 5, "iscrowd": 1, "segmentation": {"size": [2, 4], "counts": [6, 2]}}]
        kinds = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
        tree[f"annotations/captions_{part}{year}.json"] = json.dumps({"info": {}, "licenses": [], "images": images, "annotations": said}).encode()
        tree[f"annotations/instances_{part}{year}.json"] = json.dumps({"images": images, "annotations": found, "categories": kinds}).encode()
    return tree


# cell b8a203d1
def test_outlines_are_filled_like_the_slow_way():
    def slow(polygon, width, height, size):
        "Even-odd rule at 8 by 8 points of each pixel."
        points = list(zip(polygon[::2], polygon[1::2]))
        inside = lambda x, y: sum((y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0) for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1])) % 2
        steps = (np.arange(8 * size) + 0.5) / (8 * size)
        grid = np.array([[inside(u * width, v * height) for u in steps] for v in steps], dtype=float)
        return grid.reshape(size, 8, size, 8).mean((1, 3)) * 255

    for polygon in [[100, 50, 500, 60, 300, 400], [20, 20, 620, 20, 620, 460, 320, 100, 20, 460]]:
        assert np.abs(outline_mask([polygon], 640, 480, 16) - slow(polygon, 640, 480, 16)).mean() < 8
    counts = [5, 3, 5, 3, 8, 8]                          # of a picture 8 high and 4 wide, column by column
    bits = np.zeros((8, 4)); bits[5:, 0] = bits[5:, 1] = 1; bits[:, 3] = 1
    assert (outline_mask([{"size": [8, 4], "counts": counts}], 4, 8, 8)[:, ::2] / 255 == bits).all()
    union = outline_mask([[0, 0, 640, 0, 640, 480, 0, 480], [100, 50, 500, 60, 300, 400]], 640, 480, 16)
    assert union[:-1, :-1].min() == 255



# cell 8d9c8edf
def test_flickr8k_is_read_and_its_accidents_named():
    table, tokens = tiny_flickr("table"), tiny_flickr("tokens")
    data = loaded(table, "flickr8k")
    assert len(data) == 30 and data.captions[7] == [f"A dog , number 7 , runs {k} ." for k in range(5)] and abs(int(data.images[20, 0, 8, 8]) - 160) < 4
    assert data.fingerprint == loaded(table, "flickr8k", archive="flickr8k_1000.tar.gz").fingerprint == loaded(tokens, "flickr8k").fingerprint
    assert [len(loaded(tokens, "flickr8k", split)) for split in ("train", "valid", "test")] == [20, 5, 5] and loaded(tokens, "flickr8k", "test").captions[0][0].startswith("A dog , number 25")
    assert sum(len(loaded(table, "flickr8k", split)) for split in ("train", "valid", "test")) == 30
    assert loaded(table, "flickr8k", augment=True).batch(torch.arange(3), generator(0))["image"].shape == (3, 3, 16, 16)
    text = table["flickr8k_1000/captions.txt"]
    say = lambda base=table, **changed: complaint(loaded, base | changed, "flickr8k")
    picture, caption = "flickr8k_1000/Images/1000268204_693b08cb0e.jpg", "flickr8k_1000/captions.txt"
    for message in [say(**{picture: None}), say(**{picture: table[picture][:300]}), say(**{picture: picture_bytes((0, 0, 0), (60_000, 2))}),
                    say(**{caption: text.replace(b"1000268204", b"9999999999")}), say(**{caption: text.replace(b'1000268204_693b08cb0e.jpg,"A dog , number 3 , runs 4 ."\n', b"")})]:
        assert "1000268204" in message and "\n" not in message, message
    assert "captions.txt" in say(**{caption: None}) and "line 3" in say(**{caption: text.replace(b"A dog , number 0 , runs 1 .", b" ")})
    assert "not UTF-8 in line 2" in say(**{caption: text.replace(b"number 0 , runs 0", b"caf\xe9")}) and ".t7" in say(**{caption: b"\x04\0\0\0\1\0\0\0"})
    assert "image,caption" in say(**{caption: b"picture;text\n"}) and "4 values" in say(**{caption: text.replace(b'"', b"")})
    token = lambda old, new: say(tokens, **{"Flickr8k.token.txt": tokens["Flickr8k.token.txt"].replace(old, new)})
    assert "line 1" in token(b"e.jpg#0\tA dog , number 0 ,", b"e.jpg A dog") and "empty caption in line 2" in token(b"\tA dog , number 0 , runs 1 .", b"\t ")
    assert "names 77.jpg" in say(tokens, **{"Flickr_8k.testImages.txt": b"77.jpg"}) and "t2ibook data get flickr8k" in complaint(loaded, {"x": b""}, "flickr8k")
    assert "outside the folder" in complaint(loaded, table | {"../x.txt": b""}, "flickr8k", archive="flickr8k_1000.tar.gz")



# cell 20535106
def test_coco_is_read_and_its_accidents_named():
    tree = tiny_coco()
    data, train = loaded(tree, "coco"), loaded(tree, "coco", "train")
    assert len(data) == 12 and len(train) == 4 and data.captions[0] == [f"Picture 9, said {k}." for k in range(5)] and abs(int(data.images[0, 0, 8, 8]) - 45) < 4
    assert [train.label_names[k] for k in train.labels] == ["dog", "person", "dog", "unlabelled"] and train.masks.shape == (4, 1, 16, 16)
    assert train.masks[1, 0, 8].tolist()[:8] == [255] * 8 and train.masks[1, 0, 8, 9:].max() == 0 and train.masks[0, 0, 8, -3:].min() == 255 and not train.masks[3].any()
    valid, test = loaded(tree, "coco", "valid"), loaded(tree, "coco", "test")
    assert len(valid) + len(test) == 8 and len(valid) and len(test) and not {c[0] for c in valid.captions} & {c[0] for c in test.captions}
    assert data.fingerprint == loaded(tree, "coco", archive="coco_mini.tar.gz").fingerprint == loaded(tiny_coco("2017"), "coco").fingerprint
    plain = loaded({k: v for k, v in tree.items() if "instances" not in k}, "coco")
    assert plain.masks is None and plain.labels.tolist() == list(range(12))
    say = lambda **changed: complaint(loaded, tree | changed, "coco")
    picture, captions = "train2014/COCO_train2014_000000000010.jpg", "annotations/captions_train2014.json"
    edit = lambda change: json.dumps(change(json.loads(tree[captions]))).encode()
    drop = edit(lambda j: j | {"annotations": [a for a in j["annotations"] if a["image_id"] != 10]})
    unlisted = edit(lambda j: j | {"images": [i for i in j["images"] if i["id"] != 10]})
    for message in [say(**{picture: None}), say(**{picture: tree[picture][:300]}), say(**{picture: picture_bytes((0, 0, 0), (60_000, 2))}), say(**{captions: drop}), say(**{captions: unlisted})]:
        assert "000000000010" in message and "\n" not in message, message
    assert "annotation 1002 has an empty caption" in say(**{captions: tree[captions].replace(b"Picture 10,\\n said 2.", b" ")})
    assert "not UTF-8" in say(**{captions: tree[captions].replace(b"Picture 10", b"caf\xe9")}) and "is not JSON" in say(**{captions: tree[captions][:500]})
    assert ".t7" in say(**{captions: b"\x04\0\0\0\1\0\0\0"}) and "without 'id'" in say(**{captions: edit(lambda j: j | {"images": [{}]})})
    assert "t2ibook data get coco" in complaint(loaded, {"x": b""}, "coco") and "outside the folder" in complaint(loaded, tree | {"../x": b""}, "coco", archive="coco_mini.tar.gz")



# cell 38863e56
def test_the_real_photographs_have_their_counts():
    import pytest
    if "PYTEST_CURRENT_TEST" in os.environ and not os.environ.get("T2IBOOK_DATA"): pytest.skip("T2IBOOK_DATA is not set")
    if os.environ.get("T2IBOOK_DATA"):
        flickr, coco = (real_data_dir() / name for name in ("flickr8k", "coco"))
        if (flickr / "flickr8k_1000.tar.gz").is_file():
            rows = flickr8k_rows()
            assert len(rows.names) == 1000 and {len(c) for c in rows.captions} == {5} and len(load_dataset("flickr8k", "valid", 16, n=20)) == 20
        if (flickr / "captions.txt.gz").is_file():
            said = read_caption_table(unzipped((flickr / "captions.txt.gz").read_bytes(), "captions.txt.gz").decode(), "captions.txt.gz")
            assert len(said) == 8091 and sum(map(len, said.values())) == 40_455
        if (coco / "coco_mini.tar.gz").is_file():
            rows = coco_rows()
            assert len(rows.names) == 239 and sum(map(len, rows.captions)) == 1195 and len(rows.parts["train"]) == 80 and len(rows.label_names) == 81
            assert sum(map(bool, rows.credits)) == 12 + 35 + 14 + 15                                   # Attribution and Attribution-ShareAlike, as counted by hand
            train, test = load_dataset("coco", "train", 32), load_dataset("coco", "test", 32)
            assert train.masks is not None and 0.2 < train.masks.float().mean() / 255 < 0.7 and test.masks is None     # outlines of half the validation pictures are missing here
