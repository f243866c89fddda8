"""Checks of nbs/02d_skipthought.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from pathlib import Path
from t2ibook.core import DataError, InputError, best_device, check_choice, generator
from t2ibook.text.encoders import SentenceEncoder
from t2ibook.text.glove import train_glove
from t2ibook.text.skipthought import (
    CombineSkip,
    SkipDecoder,
    SkipEncoder,
    SkipSentence,
    SkipThought,
    _UNREADABLE,
    _arrays,
    _gru_weights,
    expand_vocabulary,
    fit_word_map,
    new_combine,
    read_skipthoughts,
    start_,
    train_combine,
    train_skipthought,
    triplets,
)
from t2ibook.text.tokens import PAD, SPECIALS, UNK, Vocabulary
from t2ibook.text.tokens import tokenize
from t2ibook.trying import complaint
from t2ibook.worlds.blossoms import Blossoms
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
import copy
import matplotlib.pyplot as plt
import numpy as np
import pickle
import tempfile
import torch
import zipfile
import zlib


def slow_gru(x, weight_x, weight_h, bias):
    "All states (L, H) for word vectors x (L, D) by (1), one word at a time."
    h, states = torch.zeros(weight_h.shape[1]), []
    for word in x:
        (wr, wu, wn), (ur, uu, un), (br, bu, bn) = (m.chunk(3) for m in (weight_x, weight_h, bias))
        r, u = torch.sigmoid(wr @ word + ur @ h + br), torch.sigmoid(wu @ word + uu @ h + bu)
        h = u * h + (1 - u) * torch.tanh(wn @ word + bn + r * (un @ h))                     # (1)
        states.append(h)
    return torch.stack(states)


def toy_words(n=17): return Vocabulary([f"w{k}" for k in range(n)])


def flower_captions(n=300, seed=0, per_picture=5):
    "Captions of `n` flowers, a list for each, and the attributes as numbers."
    world = Blossoms()
    specs = world.specs(n, seed)
    return world.captions(specs, seed, per_picture), specs


def nearest_is_same(encoder, n=150, seed=7):
    "Shares of captions whose nearest caption of another sentence is of the same flower, and of the same petal colour; by cosine."
    pairs, specs = flower_captions(n, seed, 2)
    unit = [F.normalize(encoder.encode([pair[k] for pair in pairs]), dim=1) for k in (0, 1)]
    nearest = (unit[0] @ unit[1].T).argmax(1)
    colour = specs["petal_colour"]
    return (nearest == torch.arange(n)).float().mean().item(), (colour[nearest] == colour).float().mean().item()


def released_folder(folder, D=3, H=4, words=("<eos>", "UNK", "the", "flower", "The", "red"), seed=0, **changed):
    "Write tiny files in the released layout; returns the arrays."
    folder, rng = Path(folder), np.random.default_rng(seed)
    gru = lambda prefix, H: {prefix + n: rng.normal(size=s).astype(np.float32) for n, s in
                             {"W": (D, 2 * H), "b": (2 * H,), "U": (H, 2 * H), "Wx": (D, H), "Ux": (H, H), "bx": (H,)}.items()}
    uni = {"Wemb": np.zeros((5, D)), **gru("encoder_", H)}
    bi = {"Wemb": np.zeros((5, D)), **gru("encoder_", H // 2), **gru("encoder_r_", H // 2)}
    tables = {name: rng.normal(size=(len(words), D)).astype(np.float32) for name in ("utable", "btable")}
    np.savez(folder / "uni_skip.npz", **uni | changed); np.savez(folder / "bi_skip.npz", **bi)
    for name, table in tables.items(): np.save(folder / f"{name}.npy", table)
    (folder / "dictionary.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return uni, bi, tables


# cell 5d54c377
def test_gru_against_the_written_out_one():
    torch.manual_seed(0)
    encoder = SkipEncoder(toy_words(), 5, 7, normalise=False)
    with torch.no_grad(): encoder.gru.bias_ih_l0.normal_()
    tokens, lengths = torch.randint(3, 20, (4, 6)), torch.tensor([6, 2, 5, 1])
    tokens[torch.arange(6) >= lengths[:, None]] = 0
    with torch.no_grad(): sentence, words = encoder(tokens, lengths)
    for row, n, h, states in zip(tokens, lengths.tolist(), sentence, words):
        slow = slow_gru(encoder.embedding.weight[row[:n]], encoder.gru.weight_ih_l0, encoder.gru.weight_hh_l0, encoder.gru.bias_ih_l0).detach()
        torch.testing.assert_close(states[:n], slow); torch.testing.assert_close(h, slow[-1])
        assert (states[n:] == 0).all()
    longer = F.pad(tokens, (0, 9))                                                     # padding changes nothing: a masked step keeps the state
    torch.testing.assert_close(encoder(longer, lengths)[0], sentence)



# cell 48bdc622
def test_a_palindrome_gives_equal_halves():
    encoder = SkipEncoder(toy_words(), 5, 7, bidirectional=True)
    assert encoder.n_features == 14
    with torch.no_grad():
        for name in ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0"]: getattr(encoder.gru, name + "_reverse").copy_(getattr(encoder.gru, name))
    sentence, _ = encoder(torch.tensor([[4, 9, 5, 9, 4, 0, 0]]), torch.tensor([5]))
    torch.testing.assert_close(sentence[:, :7], sentence[:, 7:])



# cell 675d88fb
def test_halves_have_length_one():
    vocabulary = toy_words()
    uni, bi = SkipEncoder(vocabulary, 5, 8), SkipEncoder(vocabulary, 5, 4, bidirectional=True)
    combined = CombineSkip(uni, bi)
    captions = ["w1 w2 w3", "w4", "w5 w6"]
    h = combined.encode(captions)
    assert h.shape == (3, 16) and combined.n_features == 16
    torch.testing.assert_close(h[:, :8].norm(dim=1), torch.ones(3)); torch.testing.assert_close(h[:, 8:].norm(dim=1), torch.ones(3))
    torch.testing.assert_close(h, torch.cat([uni.encode(captions), bi.encode(captions)], 1))
    words, lengths = combined.encode_words(captions)
    assert words.shape == (3, 3, 16) and lengths.tolist() == [3, 1, 2]
    raw = SkipEncoder(vocabulary, 5, 8, normalise=False).encode(captions).norm(dim=1)
    assert (raw - 1).abs().min() > 0.1
    try: CombineSkip(uni, SkipEncoder(toy_words(9), 5, 4)); message = ""
    except InputError as error: message = str(error)
    assert "different words" in message



# cell 13842f5b
def test_the_start_and_the_sizes():
    torch.manual_seed(0)
    encoder = SkipEncoder(toy_words(), 620, 48)
    for gate in encoder.gru.weight_hh_l0.chunk(3): torch.testing.assert_close(gate @ gate.T, torch.eye(48), atol=1e-5, rtol=0)
    assert encoder.gru.weight_ih_l0.abs().max() <= 0.1 and encoder.gru.weight_ih_l0.std() > 0.05 and encoder.gru.bias_ih_l0.abs().sum() == 0
    assert encoder.embedding.weight[PAD].abs().sum() == 0 and not encoder.gru.bias_hh_l0.requires_grad
    count = lambda D, H: 3 * H * (D + H) + 3 * H                                                          # one GRU of (1)
    assert sum(p.numel() for p in encoder.gru.parameters() if p.requires_grad) == count(620, 48)
    print("one direction, 2400:", f"{count(620, 2400):,}", "parameters; two of 1200:", f"{2 * count(620, 1200):,}; both without their word tables")



# cell f0f8abf3
def test_conditional_decoder_against_the_paper_written_out():
    torch.manual_seed(0)
    decoder = SkipDecoder(4, 6, "conditional", hidden=5)
    with torch.no_grad(): decoder.gru.bias_ih_l0.normal_()
    sentence, words = torch.randn(2, 6), torch.randn(2, 3, 4)
    W, C = decoder.gru.weight_ih_l0[:, :4], decoder.gru.weight_ih_l0[:, 4:]
    with torch.no_grad(): fast = decoder(sentence, words)
    for s, row, states in zip(sentence, words, fast):
        h = torch.zeros(5)
        for x, state in zip([torch.zeros(4), *row[:-1]], states):
            (wr, wu, wn), (cr, cu, cn) = (m.chunk(3) for m in (W @ x + decoder.gru.bias_ih_l0, C @ s))
            ur, uu, un = (decoder.gru.weight_hh_l0 @ h).chunk(3)
            r, u = torch.sigmoid(wr + cr + ur), torch.sigmoid(wu + cu + uu)
            h = u * h + (1 - u) * torch.tanh(wn + cn + r * un)
            torch.testing.assert_close(state, h.detach())



# cell 49af85f3
def test_init_decoder_starts_from_the_sentence():
    torch.manual_seed(0)
    decoder = SkipDecoder(4, 5, "init")
    sentence, words = torch.randn(2, 5), torch.randn(2, 3, 4)
    states = decoder(sentence, words)
    torch.testing.assert_close(states, decoder.gru(torch.stack([torch.zeros(2, 4), words[:, 0], words[:, 1]], 1), sentence[None])[0])
    changed = words.clone(); changed[:, -1] += 1
    torch.testing.assert_close(decoder(sentence, changed), states)                         # the last word is only to be guessed
    for bad in [lambda: SkipDecoder(4, 5, "init", hidden=6), lambda: SkipDecoder(4, 5, "start")]:
        try: bad(); message = ""
        except InputError as error: message = str(error)
        assert "needs 5 units, not 6" in message or "unknown decoder 'start'" in message



# cell d9e10e95
def test_loss_against_a_loop_over_words():
    torch.manual_seed(0)
    vocabulary = Vocabulary(["a", "b", "c"])
    for kind in ["conditional", "init"]:
        model = SkipThought(SkipEncoder(vocabulary, 4, 5), kind)
        captions, before, after = ["a b", "c"], ["b", "a a c"], ["c c", "b"]
        total, n = 0.0, 0
        with torch.no_grad():
            for caption, *sides in zip(captions, before, after):
                sentence = model.encoder.read(*vocabulary.encode([caption]))[0]
                for decoder, side in zip((model.before, model.after), sides):
                    tokens = vocabulary.encode([side])[0]
                    chances = model.scores(decoder(sentence, model.encoder.embedding(tokens))[0]).softmax(1)
                    for p, token in zip(chances, tokens[0]): total -= p[token].log(); n += 1
            torch.testing.assert_close(model.loss(captions, before, after, per_word=False), total)
            torch.testing.assert_close(model.loss(captions, before, after), total / n)
    assert n == 11                                                                              # `<eof>` is a word to be written



# cell 0e44fe39
def test_neighbours_are_the_captions_of_one_picture():
    groups = [["a", "b", "c"], ["x"], ["p", "q"]]
    assert triplets(groups) == [("a", "c", "b"), ("b", "a", "c"), ("c", "b", "a"), ("p", "q", "q"), ("q", "p", "p")]
    assert triplets(groups, across=True)[2:5] == [("c", "b", "x"), ("x", "c", "p"), ("p", "x", "q")]
    try: triplets([["a"], ["b"]]); message = ""
    except InputError as error: message = str(error)
    assert "no caption has a neighbour" in message



# cell 8408529f
def test_training_learns_and_repeats():
    groups, _ = flower_captions(60)
    vocabulary = Vocabulary.build([caption for group in groups for caption in group])
    torch.manual_seed(0)
    encoder = SkipEncoder(vocabulary, 24, 32)
    twin, other = copy.deepcopy(encoder), copy.deepcopy(encoder)
    losses = train_skipthought(encoder, groups, steps=30, batch=16, rate=2e-2)
    assert sum(losses[-5:]) < 0.75 * sum(losses[:5])
    assert train_skipthought(twin, groups, steps=30, batch=16, rate=2e-2) == losses and torch.equal(twin.encode(["a red flower"]), encoder.encode(["a red flower"]))
    summed = train_skipthought(other, groups, steps=1, batch=16, decoder="init", per_word=False)
    assert summed[0] > 100 * losses[0]                                                                    # the code's sum, not a mean



# cell 70bffbb7
def test_expansion_recovers_a_planted_map():
    gen = generator(0, "planted")
    M, m = torch.randn(6, 4, generator=gen), torch.randn(4, generator=gen)
    foreign = torch.randn(40, 6, generator=gen)
    found, shift = fit_word_map(foreign, foreign @ M + m)
    torch.testing.assert_close(found, M, atol=1e-4, rtol=0); torch.testing.assert_close(shift, m, atol=1e-4, rtol=0)
    straight, nothing = fit_word_map(foreign, foreign @ M, intercept=False)
    torch.testing.assert_close(straight, M, atol=1e-4, rtol=0); assert not nothing.any()
    x = torch.cat([foreign, torch.ones(40, 1)], 1).double()                                        # noisy targets: the normal equations
    target = torch.randn(40, 4, generator=gen)
    torch.testing.assert_close(torch.cat([fit_word_map(foreign, target)[0], fit_word_map(foreign, target)[1][None]]),
                               torch.linalg.solve(x.T @ x, x.T @ target.double()).float(), atol=1e-4, rtol=0)



# cell ff2dac4f
def test_expanded_encoder_reads_new_words():
    torch.manual_seed(0)
    encoder = SkipEncoder(Vocabulary([f"w{k}" for k in range(12)]), 4, 6)
    words = [*[f"w{k}" for k in range(12)], "new", "<unk>", "w3", "two words"]
    plan, foreign = torch.randn(3, 4), torch.randn(len(words), 3)
    with torch.no_grad(): encoder.embedding.weight[3:] = foreign[:12] @ plan + 0.5
    wider = expand_vocabulary(encoder, words, foreign)
    assert wider.vocabulary.words == [*encoder.vocabulary.words, "new"]
    torch.testing.assert_close(wider.embedding.weight[-1], foreign[12] @ plan + 0.5, atol=1e-4, rtol=0)
    assert torch.equal(wider.embedding.weight[:15], encoder.embedding.weight)                           # trained words keep their vectors
    torch.testing.assert_close(wider.encode(["w1 w5"]), encoder.encode(["w1 w5"]))
    assert torch.equal(encoder.encode(["new"]), encoder.encode(["other"])) and not torch.equal(wider.encode(["new"]), wider.encode(["other"]))
    try: expand_vocabulary(encoder, ["w1", "w2"], torch.randn(2, 3)); message = ""
    except InputError as error: message = str(error)
    assert "2 common words cannot fix a map of 4 inputs" in message



# cell d54058ce
def test_released_layout_is_read():
    def released_gru(x, a, prefix):
        "Last state by (1), from the released arrays as they are."
        h = np.zeros(a[prefix + "Ux"].shape[0])
        for word in x:
            gates = 1 / (1 + np.exp(-(word @ a[prefix + "W"] + a[prefix + "b"] + h @ a[prefix + "U"])))
            r, u = np.split(gates, 2)
            h = u * h + (1 - u) * np.tanh(word @ a[prefix + "Wx"] + a[prefix + "bx"] + r * (h @ a[prefix + "Ux"]))
        return h


    with tempfile.TemporaryDirectory() as folder:
        uni, bi, tables = released_folder(folder)
        encoder = read_skipthoughts(folder)
        few = read_skipthoughts(folder, Vocabulary(["flower", "red", "yellow"]))
    rows = [2, 5, 3, 1]                                                                              # the red flower, and an unknown word
    parts = [released_gru(tables["utable"][rows], uni, "encoder_"),
             np.concatenate([released_gru(tables["btable"][rows], bi, "encoder_"), released_gru(tables["btable"][rows[::-1]], bi, "encoder_r_")])]
    expected = np.concatenate([part / np.linalg.norm(part) for part in parts])
    torch.testing.assert_close(encoder.encode(["The red flower zzz"])[0], torch.from_numpy(expected).float())     # our tokens are lower case
    assert encoder.n_features == 8 and few.uni.vocabulary.words[3:] == ["flower", "red"]
    torch.testing.assert_close(few.encode(["red flower"]), encoder.encode(["red flower"]))



# cell 8d284aae
def test_damaged_files_are_named():
    with tempfile.TemporaryDirectory() as folder:
        assert "dictionary.txt" in complaint(read_skipthoughts, folder)
        released_folder(folder); (Path(folder) / "utable.npy").unlink()
        assert "utable.npy" in complaint(read_skipthoughts, folder)
        released_folder(folder, words=("<eos>", "the")); assert "no UNK" in complaint(read_skipthoughts, folder)
        released_folder(folder); np.save(Path(folder) / "btable.npy", np.zeros((2, 3)))
        assert "btable.npy has shape (2, 3), not (6, 3)" in complaint(read_skipthoughts, folder)
        released_folder(folder, encoder_U=np.zeros((4, 7))); assert "encoder_U has shape (4, 7), not (4, 8)" in complaint(read_skipthoughts, folder)
        released_folder(folder); np.savez(Path(folder) / "uni_skip.npz", encoder_W=np.zeros(3)); assert "holds no encoder_b" in complaint(read_skipthoughts, folder)
        released_folder(folder, encoder_W=np.array([{"a": 1}], dtype=object))                        # would have to be unpickled
        assert "uni_skip.npz" in complaint(read_skipthoughts, folder) and "allow_pickle" in complaint(read_skipthoughts, folder)
        released_folder(folder); (Path(folder) / "bi_skip.npz").write_bytes(b"PK\x03\x04 half"); assert "bi_skip.npz" in complaint(read_skipthoughts, folder)
        for text in [b"", b"no array", pickle.dumps([1, 2])]:
            released_folder(folder); (Path(folder) / "utable.npy").write_bytes(text); assert "utable.npy" in complaint(read_skipthoughts, folder)



# cell 269be137
def test_sentence_part_is_the_encoder_and_a_map():
    groups, _ = flower_captions(40)
    texts = [caption for group in groups for caption in group]
    vocabulary = Vocabulary.build(texts)
    encoder = train_combine(groups, vocabulary, 12, 8, steps=5, seed=3)
    again, other = train_combine(groups, vocabulary, 12, 8, steps=5, seed=3), train_combine(groups, vocabulary, 12, 8, steps=5, seed=4)
    assert torch.equal(encoder.encode(texts), again.encode(texts)) and not torch.equal(encoder.encode(texts), other.encode(texts))
    for use_eof in (True, False):
        encoder.uni.use_eof = encoder.bi.use_eof = use_eof
        part = SkipSentence(vocabulary, 12, 8, n_out=6, use_eof=use_eof)
        part.load(encoder, texts)
        v, said = encoder.encode(texts), ["a red flower", texts[0]]                # vectors of captions with or without the end
        centred = (v - v.mean(0)).double()
        left, singular, right = torch.linalg.svd(centred, full_matrices=False)     # the principal directions in another way
        kept = singular**2 / len(v) > 1e-4 * singular[0]**2 / len(v)
        white = (v - v.mean(0)) @ part.whiten
        share = white.square().mean(0)                                             # 1 in each direction, less where the variance is taken for noise
        torch.testing.assert_close(share[kept], torch.ones(int(kept.sum())), atol=1e-2, rtol=0); assert (share[~kept] < 1.01).all()
        torch.testing.assert_close(white[:, 0].abs().double(), left[:, 0].abs() * len(v)**0.5, atol=1e-2, rtol=0)
        slow = [part.linear((encoder.encode([one])[0] - v.mean(0)) @ part.whiten) for one in said]
        torch.testing.assert_close(part(*vocabulary.encode(said)), torch.stack(slow), atol=1e-3, rtol=1e-3)
    few = SkipSentence(vocabulary, 12, 8, n_out=6, directions=3)
    few.load(encoder, texts)
    assert few.linear.in_features == 3 and few(*vocabulary.encode(texts[:2])).shape == (2, 6)



# cell fe881388
def test_only_the_map_learns_and_a_file_keeps_it_all():
    groups, _ = flower_captions(20)
    vocabulary = Vocabulary.build([caption for group in groups for caption in group])
    encoder = train_combine(groups, vocabulary, 6, 4, steps=2)
    part = SkipSentence(vocabulary, 6, 4, n_out=3)
    part.load(encoder, groups[0])
    tokens, lengths = vocabulary.encode(groups[1])
    part(tokens, lengths).sum().backward()
    assert {name for name, p in part.named_parameters() if p.requires_grad} == {"linear.weight", "linear.bias"} == {n for n, p in part.named_parameters() if p.grad is not None}
    copy_of = SkipSentence(vocabulary, 6, 4, n_out=3)
    copy_of.load_state_dict(part.state_dict())                                     # encoder, mean and directions travel with the weights
    assert torch.equal(copy_of(tokens, lengths), part(tokens, lengths))
    assert "even number" in complaint(new_combine, vocabulary, 6, 5)
    assert "other sizes" in complaint(SkipSentence(vocabulary, 6, 8).load, encoder, groups[0])
    assert "other words" in complaint(SkipSentence(Vocabulary(["red"]), 6, 4).load, encoder, groups[0])



# cell 155159c3
def test_released_encoders_fit_too():
    with tempfile.TemporaryDirectory() as folder:
        released_folder(folder, D=3, H=4)
        released = read_skipthoughts(folder, Vocabulary(["flower", "red", "yellow"]))
    part = SkipSentence(released.uni.vocabulary, 3, 4, n_out=5, use_eof=False)     # the system takes the words that the tables have
    part.load(released, ["red flower", "flower", "red"])
    standard = (released.encode(["flower red"]) - part.mean) @ part.whiten
    torch.testing.assert_close(part(*released.uni.vocabulary.encode(["flower red"])), part.linear(standard))
