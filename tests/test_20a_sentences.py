"""Checks of nbs/20a_sentences.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from dataclasses import dataclass, replace
from matplotlib import pyplot as plt
from pathlib import Path
from t2ibook.core import InputError, check_choice
from t2ibook.core import generator
from t2ibook.datasets import Dataset
from t2ibook.datasets import load_dataset
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.retrieval import ENCODERS, FROM_TEXT_ALONE, CaptionRetrieval, PairBatches, RetrievalConfig, build_encoder, learn_from_text
from t2ibook.systems import base
from t2ibook.systems.sentences import (
    CHOICES,
    CaptionCode,
    ClassPairs,
    READER,
    Reader,
    SentenceConfig,
    SentenceSystem,
    borrow_captions,
    caption_encoder,
    encode_captions,
    learn_captions,
    other_class,
    reading_like,
    sizes_of_encoder,
)
from t2ibook.text.charcnn import ALPHABET, CHAR_PRESETS, CharCNNRNN, CharConfig, char_numbers, draw_classes
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import TrainConfig, train
from t2ibook.trying import complaint
from t2ibook.witnesses import frames, recombined
from torch import Tensor, nn
from typing import ClassVar
import random
import tempfile
import torch


WORDS = ["a", "red", "blue", "yellow", "flower", "with", "five", "petals", "on", "grass"]


def told(image_size=16, **switches):
    "A system that only reads; letters unless `text` says otherwise."
    torch.manual_seed(0)
    config = SentenceConfig(image_size=image_size, letters=(6, 6, 6), word_dim=5, hidden=8, wrong_from="batch")
    return SentenceSystem(replace(config, **switches), Vocabulary(WORDS))


# cell 753f44d6
def test_nobody_meets_the_own_class():
    for seed in range(40):
        gen = generator(seed, "classes")
        n = int(torch.randint(2, 30, (1,), generator=gen))
        labels = torch.randint(3, (n,), generator=gen)
        labels[:(n + 1) // 2] = torch.arange((n + 1) // 2) % n                         # enough of different ones
        if 2 * labels.bincount().max() > n: continue
        other = other_class(labels, gen)
        assert (labels[other] != labels).all() and sorted(other.tolist()) == list(range(n))
    met = {tuple(other_class(torch.tensor([0, 0, 1, 1]), generator(k, "perm")).tolist()) for k in range(60)}
    assert met == {(2, 3, 0, 1), (2, 3, 1, 0), (3, 2, 0, 1), (3, 2, 1, 0)}              # every one of the four that are allowed
    assert "of one class" in complaint(other_class, torch.tensor([1, 1, 0]), generator(0))



# cell 3518efdb
def test_letters_are_read_where_words_are_unknown():
    letters, words = told(), told(text="lstm")
    known, unknown = "a red flower", "a crimson flower"
    different, same = (encode_captions(system, [unknown, "a scarlet flower"]) for system in (letters, words))
    assert not torch.allclose(different[0], different[1], atol=1e-4)
    assert torch.allclose(same[0], same[1], atol=1e-5)                                   # both are `<unk>` to a reader of words
    for system, text in ((letters, unknown), (words, known)): assert system.vocabulary.decode(system.vocabulary.encode([text])[0][0]) == text
    tokens, lengths = letters.vocabulary.encode(["ab", "a red one"])
    assert tokens.shape == (2, 201) and lengths.tolist() == [2, 9] and letters.vocabulary.unknown(["a crimson flower"]) == {"crimson": 1}



# cell 0ee2611a
def test_whitened_sentences_have_one_scale():
    system = told(whiten=True)
    captions = [f"a {w} {v} {'so ' * k}" for w in WORDS for v in WORDS for k in range(9)]
    raw = encode_captions(system, captions)
    system.text.whiten(raw)
    vectors = encode_captions(system, captions)
    covariance, plain = vectors.T.cov(), raw.T.cov()
    kept = covariance.diagonal() > 0.5
    assert vectors.mean(0).abs().max() < 1e-2 and kept.sum() >= 3
    torch.testing.assert_close(covariance[kept][:, kept], torch.eye(int(kept.sum())), atol=0.05, rtol=0)
    assert torch.linalg.eigvalsh(plain)[-1] > 10 * torch.linalg.eigvalsh(plain).median()      # one direction outshouts the rest
    system.text.whiten(None)
    assert torch.equal(encode_captions(system, captions), raw)
    system.train()
    assert not system.text.training and not system.text.encoder.training



# cell d588cc14
def test_batches_give_what_the_loss_asks_for():
    flowers = load_dataset("blossoms", "train", size=16, n=60, seed=0)
    for fields in ({"mismatch": "image"}, {"mismatch": "text"}, {"captions": 1, "replaced": False}, {"captions": 30, "replaced": False}, {"draw": "epoch"}):
        system = told(wrong_from="set", **fields)
        pairs = ClassPairs(flowers, system)
        rows = torch.arange(40)
        batch = pairs.batch(rows, generator(0, "batch"))
        key = "wrong_sentence" if fields.get("mismatch") == "text" else "wrong_image"
        assert batch["sentence"].shape == (40, 8) and len(batch[key]) == 40 and ("wrong_image" in batch) != ("wrong_sentence" in batch)
        if system.config.draw == "epoch": assert torch.equal(batch["label"], flowers.labels.unique(return_inverse=True)[1][:40])
        wrong = system.wrong_pairs(batch, generator(0, "wrong"))
        assert [w is None for w in wrong] == [key != "wrong_image", key != "wrong_sentence", True] and torch.equal(system.sentence_of(batch), batch["sentence"])
    for seed in range(20): assert (flowers.labels[pairs.of_another_class(rows, generator(seed, "wrong"))] != flowers.labels[rows]).all()
    alone = ClassPairs(flowers, told(apart="picture", wrong_from="set", draw="epoch"))
    assert torch.equal(alone.batch(rows, generator(0, "b"))["label"], rows) and (alone.of_another_class(rows, generator(0, "w")) != rows).all()
    kin = flowers.subset(torch.arange(6))
    kin.labels = torch.zeros(6, dtype=torch.long)
    assert (ClassPairs(kin, told(apart="picture")).of_another_class(torch.arange(6), generator(0, "w")) != torch.arange(6)).all()
    whole = told(wrong_from="set", captions=30, replaced=False)
    vectors = encode_captions(whole, flowers.captions[7])
    torch.testing.assert_close(ClassPairs(flowers, whole).sentences(torch.tensor([7]), generator(0, "s"))[0], vectors.mean(0))       # all ten captions, each once
    one = told(captions=1)
    batch = ClassPairs(flowers, one).batch(torch.arange(40), generator(0, "own"))
    torch.testing.assert_close(batch["sentence"], encode_captions(one, batch["caption"]))                                          # the caption is that of the sentence
    mean = ClassPairs(flowers, one).sentences(torch.tensor([7]), generator(0, "s"))[0]
    assert any(torch.allclose(mean, v, atol=1e-6) for v in encode_captions(one, flowers.captions[7]))
    hard = ClassPairs(flowers, told(wrong_from="set", near=3))
    means = torch.stack([encode_captions(told(), said).mean(0) for said in flowers.captions])
    by_hand = torch.cdist(means, means).masked_fill(flowers.labels[:, None] == flowers.labels, float("inf")).argsort(1)[:, :3]
    torch.testing.assert_close(torch.cdist(means, means).gather(1, hard.near), torch.cdist(means, means).gather(1, by_hand), atol=1e-5, rtol=0)
    chosen = torch.cat([hard.of_another_class(rows, generator(seed, "near")) for seed in range(50)])
    assert (flowers.labels[chosen] != flowers.labels[rows.repeat(50)]).all()
    assert 0.45 < (hard.near[rows.repeat(50)] == chosen[:, None]).any(1).double().mean() < 0.65                                  # half, and a few by chance
    many = ClassPairs(flowers, told(captions=1, crowd=401))
    crowd, labels = many.batch(rows, generator(0, "b"))["crowd"], many.batch(rows, generator(0, "b"))["label"]
    assert crowd.shape == (401, 8)
    read = {k: torch.cat([encode_captions(one, flowers.captions[i]) for i in many.by_class[k].tolist()]) for k in range(len(many.by_class))}
    said_of = lambda vector, k: (read[int(k)] - vector).abs().amax(1).min() < 1e-5
    assert all(said_of(crowd[j], labels[j % 40]) for j in range(200))                                             # the batch's own classes in turn
    assert all(any(said_of(v, k) for k in read) for v in crowd[200:220]) and not all(said_of(crowd[200 + j], labels[j % 40]) for j in range(40))
    assert ClassPairs(flowers, told(crowd=1)).batch(rows, generator(0, "b"))["crowd"].shape == (1, 8)
    assert "crowd of -1" in complaint(told, crowd=-1)
    some = ClassPairs(flowers, told(captions=1, recombined=0.3))
    batch = some.batch(rows, generator(0, "b"))
    assert len(batch["made"]) == len(batch["made_caption"]) == 12 and len(set(some.made)) > 300 and not set(some.made) <= set(some.texts)
    torch.testing.assert_close(batch["made"], encode_captions(told(captions=1), batch["made_caption"]))
    assert some.made == ClassPairs(flowers, told(captions=1, recombined=0.3)).made and "made" not in many.batch(rows, generator(0, "b"))
    assert set(told(recombined=0.5).example_batch(4)) - set(told().example_batch(4)) == {"made", "made_caption"} and "share from 0" in complaint(told, recombined=1.5)
    assert "outside the largest class" in complaint(ClassPairs, flowers, told(wrong_from="set", near=60))
    assert "of one class" in complaint(ClassPairs, flowers.subset((flowers.labels == flowers.labels[0]).nonzero().flatten()), told(wrong_from="set"))



# cell 1b70958b
def test_classes_are_drawn_before_pictures():
    labels = torch.cat([torch.zeros(50, dtype=torch.long), torch.ones(2, dtype=torch.long)])
    few = load_dataset("blossoms", "train", size=16, n=52, seed=1)
    few.labels = labels
    rows = torch.randint(52, (400,), generator=generator(0, "rows"))
    drawn = {draw: ClassPairs(few, told(wrong_from="set", draw=draw)).batch(rows, generator(0, "b"))["label"] for draw in ("class", "epoch")}
    share = {draw: labels.float().mean().item() for draw, labels in drawn.items()}
    assert abs(share["class"] - 0.5) < 0.1 and share["epoch"] < 0.1



# cell f9420121
def test_the_encoder_learns_before_the_game():
    flowers = load_dataset("blossoms", "train", size=16, n=200, seed=0)
    system = told(whiten=True, hidden=16, letters=(12, 16, 16))
    before = [p.clone() for p in system.text.encoder.parameters()]
    plan = TrainConfig(steps=12, batch_size=20, log_every=1, checkpoint_every=12, learning_rate=2e-3)
    with tempfile.TemporaryDirectory() as folder: log = learn_captions(system, flowers, plan, folder)
    assert len(log) == 12 and any(not torch.equal(a, b) for a, b in zip(before, system.text.encoder.parameters()))
    assert not any(p.requires_grad for p in system.text.parameters()) and not torch.equal(system.text.basis, torch.eye(16))



# cell 3f877811
def test_an_encoder_can_be_borrowed():
    lender, plain = told(text="bilstm", hidden=12, whiten=True), replace(told().config, image_size=32, mismatch="text")
    lender.text.whiten(encode_captions(lender, [f"{w} {v}" for w in WORDS for v in WORDS]))
    config = reading_like(plain, lender)
    assert (config.text, config.hidden, config.image_size, config.mismatch) == ("bilstm", 12, 32, "text")
    borrower = SentenceSystem(config, lender.vocabulary)
    assert not torch.allclose(encode_captions(borrower, ["a red flower"]), encode_captions(lender, ["a red flower"]))
    borrow_captions(borrower, lender)
    torch.testing.assert_close(encode_captions(borrower, ["a red flower"]), encode_captions(lender, ["a red flower"]))
    assert "text, hidden, whiten" in complaint(borrow_captions, told(), lender)
    other = SentenceSystem(config, Vocabulary(WORDS[::-1]))
    assert "vocabulary" in complaint(borrow_captions, other, lender)



# cell 1269473a
def test_bad_choices_are_refused():
    batch = told().example_batch(4)
    without = {k: v for k, v in batch.items() if k != "wrong_image"}
    requests = {"a permutation cannot": lambda: told(near=2), "mismatch": lambda: told(mismatch="picture"), "at least one": lambda: told(captions=0), "did you mean": lambda: told(letters="bird"),
                "ClassPairs": lambda: told(wrong_from="set").wrong_pairs(without, generator(0, "wrong"))}
    for wanted, request in requests.items(): assert wanted in complaint(request), wanted
    order = told().wrong_pairs(batch, generator(0, "wrong"))[2]
    assert sorted(order.tolist()) == [0, 1, 2, 3] and (order != torch.arange(4)).all()
    vocabulary = told(text="lstm").vocabulary
    read = told(text="lstm").sentence_of(dict(zip(("tokens", "lengths"), vocabulary.encode(["a red flower", "a blue flower"]))))
    assert read.shape == (2, 8) and not torch.equal(read[0], read[1])
