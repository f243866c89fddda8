"""Checks of nbs/08a_drawing.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from t2ibook.core import InputError, WeightsError, check_choice, read_json, sha256, write_json
from t2ibook.core import published_dir
from t2ibook.drawing import (
    Drawing,
    _drawable,
    _examples,
    _listening,
    _world_words,
    choose,
    draw,
    load,
)
from t2ibook.pictures import picture_sheet, save_animation, save_picture
from t2ibook.records import PROFILES, published
import tempfile
import torch


# cell 06b399aa
def test_a_drawing_can_be_proved():
    first, again = draw("pip is running", n=2, seed=3), draw("pip is running", n=2, seed=3)
    assert torch.equal(first.images, again.images) and first.images.shape[:2] == (1, 2)
    with tempfile.TemporaryDirectory() as folder:
        picture, note = first.save(Path(folder) / "pip.png")
        proof = read_json(note)
        repeated = draw(proof["captions"], system=proof["record"], n=proof["samples"], seed=proof["seed"])
        assert repeated.weights_sha256 == proof["weights_sha256"] and torch.equal(repeated.images, first.images)
        assert picture.is_file() and sorted(p.name for p in Path(folder).iterdir()) == ["pip.json", "pip.png"]



# cell a04228ba
def test_people_s_words_are_put_into_the_world_s_own():
    typed, own = "a white blossom with a dark eye", "a flower in white with a brown centre"
    people, world, word_for_word = (draw(said, system="gancls", seed=1, as_written=as_written) for said, as_written in ((typed, False), (own, False), (typed, True)))
    assert (people.captions, people.drawn_as, people.unknown) == ([typed], [own], {}) and world.drawn_as == [own]
    assert torch.equal(people.images, world.images) and word_for_word.drawn_as == [typed] and not torch.equal(people.images, word_for_word.images)
    assert set(word_for_word.unknown) == {"blossom", "eye"}
    with tempfile.TemporaryDirectory() as folder:
        proof = read_json(people.save(Path(folder) / "flower.png")[1])
        assert (proof["captions"], proof["drawn_as"]) == ([typed], [own])
    assert draw("pip is running").drawn_as == ["pip is running"]                     # Toons has nothing to say about it



# cell 7475dd22
def test_attention_is_written_beside_the_sheet():
    shown = draw(["a red car", "a boat on the sea"], system="aligndraw", show="attention")
    assert len(shown.frames) == 2 and len({frame.size for frame in shown.frames[0]}) == 1
    with tempfile.TemporaryDirectory() as folder:
        files = shown.save(Path(folder) / "car.png")
        assert [p.name for p in files] == ["car.png", "car.json", "car-attention-1.gif", "car-attention-2.gif"] and all(p.stat().st_size for p in files)



# cell ce2aa3ca
def test_words_choose_the_weights():
    assert choose(["pip is running"])[1].startswith("imagination-toons")
    assert choose(["the digit seven"])[1].startswith("imagination-digits")
    assert choose(["the digit seven"], data="toons")[1].startswith("imagination-toons")



# cell d66b7f5e
def test_systems_that_do_not_listen_wait_to_be_asked():
    records = [{"system": "draw"}, {"system": "imagination"}]
    assert _listening(records) == records[1:]
    assert choose(["the digit seven"], system="draw")[1].startswith("draw-")
    deaf = draw("a unicorn", system="draw")                                          # no word of it is known, and none is needed
    assert deaf.images.shape[:2] == (1, 1) and deaf.unknown == {"unicorn": 1}



# cell a9fa075f
def test_stages_stand_beside_each_other():
    from t2ibook.systems.stackgan import StackGAN, StackGANConfig
    from t2ibook.text.tokens import Vocabulary
    torch.manual_seed(0)
    tiny = {"latent": 4, "generator_channels": 4, "discriminator_channels": 4, "refining_channels": 4, "refining_discriminator_channels": 4, "code": 4, "letters": (6, 6, 6)}
    two = StackGAN(StackGANConfig(image_size=32, first_size=16, **tiny), Vocabulary(["a", "red", "flower"]))
    with tempfile.TemporaryDirectory() as folder:
        two.save(folder)
        plain, staged = draw("a red flower", system=folder, n=2), draw("a red flower", system=folder, n=2, stages=True)
        assert torch.equal(plain.images, staged.images) and [name for name, _ in staged.stages] == ["Stage-I", "Stage-II"]
        assert [tuple(drawn.shape[2:]) for _, drawn in staged.stages] == [(3, 16, 16), (3, 32, 32)] and staged.sheet().width > 1.8 * plain.sheet().width
        one = StackGAN(StackGANConfig(image_size=16, first_size=0, **tiny), Vocabulary(["a", "red", "flower"]))
        one.save(folder)
        try: draw("a red flower", system=folder, stages=True); message = ""
        except InputError as error: message = str(error)
        assert message == "stackgan draws in one stage; draw without stages"



# cell 9bb42426
def test_requests_that_cannot_be_drawn_are_explained():
    for request, complaint in [(lambda: draw(""), "is empty"), (lambda: draw(["pip is running", "  "]), "is empty"), (lambda: draw([]), "is empty"),
                               (lambda: draw("🦄🦄"), "knows none of the words"), (lambda: draw("pip", system="imaginaton"), "did you mean 'imagination'"),
                               (lambda: draw("pip", data="toon"), "did you mean 'toons'"), (lambda: load("nothing"), "unknown system, record or folder")]:
        try: request(); message = ""
        except InputError as error: message = str(error)
        assert complaint in message, message
    try: draw("pip is running", system="imagination", show="attention"); message = ""
    except InputError as error: message = str(error)
    assert message == "imagination has no attention to show; draw without it"



# cell d5e01a32
def test_published_weights_are_those_of_their_records():
    records = published()
    assert records
    for record in records:
        weights = Path(record["folder"]) / "weights.safetensors"
        if not weights.is_file():                                                          # some records are figures only: such a one cannot be drawn with
            assert not (Path(record["folder"]) / "system.json").exists() and record["name"] not in {r["name"] for r in _drawable()}, record["name"]
            continue
        assert sha256(weights) == record["weights_sha256"], record["name"]
    assert any(r["system"] == "aligndraw" for r in _drawable())
