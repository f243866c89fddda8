"""Checks of nbs/04_datasets.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from t2ibook.core import DataError, InputError, check_choice, derived_seed, generator, real_data_dir
from t2ibook.datasets.base import (
    DATASETS,
    DIGITS,
    DIGITS_CREDIT,
    Dataset,
    EMOJIONE_CREDIT,
    Rows,
    SAY_DIGIT,
    SHADES,
    Source,
    _DRAWN,
    _EACH_ITS_OWN,
    _OWN,
    _RESEARCH,
    _UCI,
    _apart,
    _digits,
    _emoji_captions,
    _emoji_split,
    _folder,
    _pairs,
    _real,
    _story,
    _tone_split,
    _world,
    crop_and_flip,
    emojione_rows,
    emojione_tones_rows,
    epoch_order,
    hashed_parts,
    load_dataset,
    pick_rows,
    rows_dataset,
    world_dataset,
)
from t2ibook.datasets.files import Files, cached, decode_all, decode_text, open_set, picture_key
from t2ibook.folders import folder_index, folder_split, numbered, read_pictures
from t2ibook.folders import write_folder
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.trying import complaint, data_folder, picture_bytes, write_tree
from t2ibook.worlds.base import Dots
from t2ibook.worlds.base import SPLITS, World
from torch import Tensor
import json
import numpy as np
import os
import tempfile
import time
import torch


def tiny_emojione(folder, packed):
    "EmojiOne's layout with sixty pictures of all four modes, as a folder or as an archive."
    files, index = {}, {}
    for i in range(60):
        picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0)); picture.paste((250, 4 * i, 0, 255), (16, 16, 48, 48))
        files[f"emojione_v2/png/1F{600 + i}.png"] = picture_bytes(picture.convert(["P", "RGBA", "LA", "L"][i % 4]), kind="PNG")
        index[f"face{i}"] = {"unicode": f"1F{600 + i}", "name": f"Face {i}", "category": ["people", "food"][i % 2],
                             "keywords": ["face", "grin", "emoji", "smile", "Joy"]}
    files["emojione_v2/index.json"] = json.dumps(index).encode()
    return write_tree(folder / "emojione_v2", files, packed={"emojione_v2.tar.gz": ""} if packed else None)


# cell 6b089b69
def test_batches_hold_what_the_world_drew():
    world = Dots()
    data, sample = world_dataset(world, n=300, size=32, seed=3, per_picture=4), world.sample(300, seed=3, size=32, per_picture=4)
    batch = data.batch(torch.tensor([299, 0, 7]), generator(0))
    assert (len(data), data.size, data.name, data.world) == (300, 32, "dots", world) and data.images.dtype == torch.uint8
    torch.testing.assert_close(batch["image"], sample["image"][[299, 0, 7]], atol=1 / 255, rtol=0)     # half a grey level of rounding
    assert batch["image"].min() >= -1 and batch["image"].max() <= 1 and batch["mask"].shape == (3, 1, 32, 32) and batch["mask"].max() == 1
    assert data.captions == sample["captions"] and all(c in data.captions[i] for c, i in zip(batch["caption"], [299, 0, 7]))
    for key in ["colour", "side"]: assert torch.equal(batch["attributes"][key], sample["attributes"][key][[299, 0, 7]])
    assert torch.equal(batch["label"], batch["attributes"]["colour"]) and data.label_names == ["red", "green", "blue"]
    assert all(word in batch["caption"][0] for word in data.values(299).values())



# cell a84aa7f9
def test_captions_are_chosen_by_the_generator():
    data = world_dataset(Dots(), n=50, size=8)
    pick = lambda gen: data.batch(torch.arange(50), gen)["caption"]
    assert pick(generator(1)) == pick(generator(1)) != pick(generator(2))
    assert pick(None) == [c[0] for c in data.captions]



# cell 3db089a4
def test_crops_and_mirrors_are_cuts_of_the_picture():
    stack, mask = torch.randint(256, (200, 3, 19, 19), dtype=torch.uint8), torch.randint(256, (200, 1, 19, 19), dtype=torch.uint8)
    cut, cut_mask = crop_and_flip(16, generator(0), stack, mask)
    seen = set()
    for i in range(200):                                             # the slow way: try all places
        hits = [(y, x, m) for y in range(4) for x in range(4) for m in (False, True)
                if torch.equal(cut[i], (w := stack[i, :, y:y + 16, x:x + 16]).flip(-1) if m else w if (w := stack[i, :, y:y + 16, x:x + 16]) is not None else w)]
        (y, x, m), = hits
        window = mask[i, :, y:y + 16, x:x + 16]
        assert torch.equal(cut_mask[i], window.flip(-1) if m else window)
        seen.add((y, x, m))
    assert len(seen) == 32
    assert torch.equal(crop_and_flip(16, None, stack, None)[0], stack[:, :, 1:17, 1:17]) and crop_and_flip(16, None, stack, None)[1] is None
    data = world_dataset(Dots(), n=20, size=19)
    large, data.crop = data.batch(torch.arange(20), generator(1)), 16
    batch = data.batch(torch.arange(20), generator(1))
    assert batch["image"].shape == (20, 3, 16, 16) and batch["mask"].shape == (20, 1, 16, 16) and data.size == 16 and large["caption"] == batch["caption"]
    assert torch.equal(batch["image"], data.batch(torch.arange(20), generator(1))["image"])
    assert data.subset(torch.arange(3)).crop == 16 and "cannot cut" in complaint(Dataset, "x", "train", data.images, data.captions, data.labels, [], crop=20)



# cell f49812de
def test_fingerprints_see_one_bit_and_one_letter():
    data, same, other = world_dataset(Dots(), n=20), world_dataset(Dots(), n=20), world_dataset(Dots(), n=20, seed=1)
    assert data.fingerprint == same.fingerprint != other.fingerprint and len(data.fingerprint) == 64
    pixel = data.subset(torch.arange(20)); pixel.images[3, 0, 0, 0] ^= 1
    letter = data.subset(torch.arange(20)); letter.captions[3] = [letter.captions[3][0] + "s", *letter.captions[3][1:]]
    assert len({data.fingerprint, pixel.fingerprint, letter.fingerprint}) == 3
    assert "bytes" in complaint(Dataset, "x", "train", data.images.float(), data.captions, data.labels, [])
    assert "picture 1 has no caption" in complaint(Dataset, "x", "train", data.images[:2], [["a"], []], data.labels[:2], [])



# cell a1f22db3
def test_orders_are_pure_functions():
    assert torch.equal(epoch_order(100, 0, 5), epoch_order(100, 0, 5))
    assert torch.equal(epoch_order(100, 0, 5).sort().values, torch.arange(100))
    assert not torch.equal(epoch_order(100, 0, 5), epoch_order(100, 0, 6)) and not torch.equal(epoch_order(100, 0, 5), epoch_order(100, 1, 5))



# cell fbad098d
def test_splits_by_hash_are_fixed_and_disjoint():
    names = [f"image_{i:05d}.jpg" for i in range(2000)]
    parts = hashed_parts(names, "x", valid=10, test=20)
    assert torch.equal(torch.cat(list(parts.values())).sort().values, torch.arange(2000)) and abs(len(parts["test"]) - 400) < 80 and abs(len(parts["valid"]) - 200) < 60
    fewer = hashed_parts(names[500:], "x", valid=10, test=20)
    assert {names[i] for i in parts["test"] if i >= 500} == {names[500 + i] for i in fewer["test"]}              # other pictures do not move it
    assert torch.equal(pick_rows(parts, "trainvalid"), torch.cat([parts["train"], parts["valid"]]).sort().values)
    assert len(pick_rows(parts, "all", 7, 1)) == 7 and not torch.equal(pick_rows(parts, "all", 7, 1), pick_rows(parts, "all", 7, 2))
    assert "unknown split" in complaint(pick_rows, parts, "dev")



# cell 74fd5064
def test_digits_are_split_by_the_rule():
    parts = {split: load_dataset("digits", split, size=8) for split in ("train", "valid", "test", "all")}
    assert {k: len(v) for k, v in parts.items()} == {"train": 1397, "valid": 200, "test": 200, "all": 1797}
    assert parts["test"].labels.bincount().tolist() == parts["valid"].labels.bincount().tolist() == [20] * 10
    together = torch.cat([parts[s].images for s in ("train", "valid", "test")]).flatten(1)
    assert sorted(together.tolist()) == sorted(parts["all"].images.flatten(1).tolist())                # nothing lost, nothing twice
    few = load_dataset("digits", "test", size=16, n=30, seed=4)
    paper = load_dataset("digits", "test", size=64, n=2, augment=True)
    assert paper.images.shape[-1] == 76 and paper.size == 64 and 256 * 19 // 16 == 304                  # the sizes of the papers
    assert len(few) == 30 and few.fingerprint == load_dataset("digits", "test", size=16, n=30, seed=4).fingerprint
    assert few.fingerprint != load_dataset("digits", "test", size=16, n=30, seed=5).fingerprint
    for captions, label in zip(few.captions, few.labels): assert all(DIGITS[label] in c or str(int(label)) in c for c in captions)



# cell 99af5dfa
def test_emojione_is_read_from_folder_and_archive():
    prints = []
    for packed in [False, True]:
        with data_folder() as folder:
            assert "t2ibook data get emojione" in complaint(load_dataset, "emojione")
            where = tiny_emojione(folder, packed)
            whole, parts = load_dataset("emojione", "all"), [len(load_dataset("emojione", s)) for s in ("train", "valid", "test")]
            prints.append(whole.fingerprint)
            assert len(whole) == sum(parts) == 60 and parts[0] > 45 and whole.label_names == ["food", "people"] and "CC BY 4.0" in whole.credit
            assert whole.captions[0] == ["face 0", "face 0, grin emoji smile", "face 0, joy"] and whole.labels[:2].tolist() == [1, 0]
            assert whole.images[1, :, 32, 32].tolist() == [250, 4, 0] and whole.images[1, :, 0, 0].tolist() == [255] * 3     # over white
            archive = where / "emojione_v2.tar.gz"
            if packed: archive.write_bytes(archive.read_bytes()[:3000])
            else: (where / "emojione_v2/png/1F603.png").unlink()
            assert ("is damaged" if packed else "holds no emojione_v2/png/1F603.png") in complaint(load_dataset, "emojione", "all")
    assert prints[0] == prints[1]



# cell 7b92ffa1
def test_shades_of_skin_stay_together():
    people = [f"1F{i:03X}" for i in range(0x400, 0x4FF)]
    for code in people: assert len({_emoji_split(f"{code}{shade}") for shade in ["", "-1F3FB", "-1F3FD", "-1F3FF"]}) == 1
    assert {_emoji_split(code) for code in people} == set(SPLITS)



# cell 4605a5a7
def test_one_shade_of_each_gesture_is_new():
    people = [f"1F{i:03X}" for i in range(0x400, 0x4FF)]
    for code in people:
        parts = [_tone_split(f"{code}-{shade}") for shade in SHADES]
        assert parts.count("test") == 1 and parts.count("train") >= 3 and _tone_split(code) == _tone_split(SHADES[1]) == "train"
        assert _tone_split(f"{code}-{SHADES[0]}-200D-2640") in SPLITS and _apart(f"{code}-{SHADES[2]}-200D-2640") == (f"{code}-200D-2640", 3)
    assert len({[_tone_split(f"{code}-{shade}") for shade in SHADES].index("test") for code in people}) == 5          # each shade is new somewhere



# cell c8a9a476
def test_the_real_emojione():
    import pytest
    if "PYTEST_CURRENT_TEST" in os.environ and "T2IBOOK_DATA" not in os.environ: pytest.skip("T2IBOOK_DATA is not set")
    if os.environ.get("T2IBOOK_DATA") and (real_data_dir() / "emojione_v2").is_dir():
        parts = {split: load_dataset("emojione", split) for split in SPLITS}
        assert {split: len(part) for split, part in parts.items()} == DATASETS["emojione"].pictures and len(parts["train"].label_names) == 10
        assert len({c[0] for c in parts["train"].captions} & {c[0] for c in parts["test"].captions}) <= 1   # two arrows share one name
        tones = {split: load_dataset("emojione-tones", split) for split in SPLITS}
        assert {split: len(part) for split, part in tones.items()} == DATASETS["emojione-tones"].pictures
        gesture = lambda c: (c[0][:-1].removesuffix(" "), "tone" in c[0])
        known = {gesture(c) for c in tones["train"].captions}
        assert all(gesture(c) in known and gesture(c)[1] for c in tones["test"].captions)



# cell 5549e7f9
def test_folders_come_back_exactly():
    data = world_dataset(Dots(), n=40, size=32, seed=5, per_picture=3)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(data, folder)
        back = load_dataset(folder, "all", size=32)
        assert torch.equal(back.images, data.images) and back.captions == data.captions and back.fingerprint == data.fingerprint
        assert [back.values(i) for i in range(40)] == [data.values(i) for i in range(40)]
        assert [back.label_names[k] for k in back.labels] == [data.label_names[k] for k in data.labels]
        train, valid = load_dataset(folder, "train", size=32), load_dataset(Path(folder), "valid", size=32)
        assert len(train) + len(valid) == 40 and len(valid) > 0 and train.label_names == valid.label_names
        assert len(load_dataset(folder, n=5, size=32)) == 5 and load_dataset(folder, n=1000, size=32).fingerprint == train.fingerprint
        first = Path(folder, "images/0000.png"); first.write_bytes(first.read_bytes()[:60])
        assert "0000.png cannot be decoded" in complaint(load_dataset, folder, "all")



# cell 67412d9d
def test_without_labels_each_picture_is_a_class():
    with tempfile.TemporaryDirectory() as folder:
        for i in range(3):
            Image.new("RGB", (9, 5), (80 * i, 0, 0)).save(f"{folder}/{i}.png")
            Path(folder, f"{i}.txt").write_text(f"red {i}")
        data = load_dataset(folder, "all", size=8)
        assert data.labels.tolist() == [0, 1, 2] and data.attributes is None and data.batch(torch.tensor([2]))["caption"] == ["red 2"]
        assert {*data.batch(torch.tensor([0]))} == {"image", "caption", "label"}



# cell 190df4b2
def test_wrong_names_get_an_answer():
    assert complaint(load_dataset, "digit") == "unknown data set 'digit'; did you mean 'digits'?"
    assert "there is no folder" in complaint(load_dataset, "pictures/mine") and "there is no folder" in complaint(load_dataset, Path("mine"))
    assert complaint(load_dataset, "").startswith("unknown data set")
    assert "unknown split 'dev'" in complaint(load_dataset, "digits", "dev") and "unknown split 'all'" in complaint(load_dataset, "toons", "all")
    assert "at least one" in complaint(load_dataset, "digits", n=0) and "from 8 to 1024" in complaint(load_dataset, "digits", size=4)
    for name, source in DATASETS.items(): assert source.about and source.licence and set(source.pictures) == set(SPLITS), name



# cell 77a6c469
def test_batches_come_fast():
    def best_rate(data):
        "Pictures a second of one thread, the best of five rounds."
        gen, order, threads, rate = generator(0), epoch_order(len(data), 0, 0), torch.get_num_threads(), 0
        torch.set_num_threads(1)
        try:
            for _ in range(5):
                start = time.process_time()
                for rows in order.split(64): data.batch(rows, gen)
                rate = max(rate, len(data) / (time.process_time() - start))
        finally: torch.set_num_threads(threads)
        return rate

    memory = world_dataset(Dots(), n=512, size=64)
    assert best_rate(memory) > 3000
    with data_folder():                     # the same from the disk, plain and augmented
        for side, crop in [(64, None), (76, 64)]:
            pictures = torch.randint(256, (512, 3, side, side), dtype=torch.uint8)
            mapped = cached("speed", tuple(pictures.shape), lambda: enumerate(pictures.numpy()))
            data = Dataset("mapped", "train", mapped, memory.captions, memory.labels, memory.label_names, crop=crop)
            assert torch.equal(mapped, pictures) and best_rate(data) > 3000
