"""Checks of nbs/02b_glove.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from pathlib import Path
from t2ibook.core import DataError, InputError, check_choice, generator
from t2ibook.text.encoders import LSTMEncoder
from t2ibook.text.encoders import SentenceEncoder
from t2ibook.text.glove import (
    GloveEncoder,
    _first_line,
    _is_number,
    _take_apart,
    cooccurrence,
    embedding_matrix,
    fit_glove,
    glove_loss,
    nearest_words,
    read_glove,
    residual,
    train_glove,
    weighting,
)
from t2ibook.text.tokens import EOF, PAD, SPECIALS, UNK, Vocabulary
from t2ibook.trying import complaint
from t2ibook.worlds.toons import NAMES, PLACE_WORDS, PROP_WORDS, VERB_WORDS, Toons
from torch import Tensor
import math
import matplotlib.pyplot as plt
import numpy as np
import re
import tempfile
import time
import torch


def glove_file(folder, text, name="vectors.txt"):
    "Write `text` (or bytes) as a file of word vectors and return its path."
    path = Path(folder) / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


KINDS = {"character": NAMES, "action": VERB_WORDS, "place": PLACE_WORDS, "thing": PROP_WORDS}


def same_kind(vocabulary, vectors):
    "Share of words whose nearest neighbour names the same kind of thing, and what chance would give."
    kind = {word: name for name, words in KINDS.items() for word in words if word in vocabulary}
    hits = [kind.get(nearest_words(word, vocabulary.words, vectors, 1)[0][0]) == kind[word] for word in kind]
    sizes = [list(kind.values()).count(name) for name in KINDS]
    return sum(hits) / len(hits), sum(n * (n - 1) for n in sizes) / len(kind) / (len(vocabulary) - 4)


def principal_plane(vectors):
    "Coordinates (N, 2) of vectors (N, D) of length one in the plane in which they spread most, signs fixed."
    unit = torch.nn.functional.normalize(vectors, dim=1)
    directions = torch.linalg.svd(unit - unit.mean(0), full_matrices=False).Vh[:2]                  # (2, D)
    flip = directions.gather(1, directions.abs().argmax(1, keepdim=True)).sign()
    return (unit - unit.mean(0)) @ (directions * flip).T


# cell 70922f5c
def test_counts_equal_a_slow_loop():
    captions = ["the red bear waves at the red fox", "a fox", "the fox sleeps", "bear"]
    vocabulary = Vocabulary.build(captions)
    for window in [1, 3, 9]:
        i, j, x = cooccurrence(captions, window)
        fast = torch.zeros(len(vocabulary), len(vocabulary)).index_put((i, j), x)
        slow = torch.zeros(len(vocabulary), len(vocabulary))
        for caption in captions:
            row = [vocabulary.numbers[w] for w in caption.split()]
            for s in range(len(row)):
                for t in range(len(row)):
                    if s != t and abs(s - t) <= window: slow[row[s], row[t]] += 1 / abs(s - t)     # (1)
        torch.testing.assert_close(fast, slow); assert (x > 0).all()
    small = Vocabulary(["bear", "fox"])
    x = torch.tensor(1 / 3)
    assert [part.tolist() for part in cooccurrence(["the bear bites the fox"], 10, small)] == [[3, 4], [4, 3], [x.item()] * 2]   # unknown words keep their place
    assert len(cooccurrence(["bear", "fox"])[2]) == 0



# cell 3a6932c1
def test_loss_equals_a_double_loop():
    assert weighting(torch.tensor([50., 100, 200]), x_max=100).tolist() == [0.5946035385131836, 1, 1]        # (4)
    torch.manual_seed(0)
    w, c, b, b_c = torch.randn(6, 3), torch.randn(6, 3), torch.randn(6), torch.randn(6)
    X = torch.rand(6, 6) * 20 * (torch.rand(6, 6) < 0.6)
    slow = 0.
    for i in range(6):
        for j in range(6):
            if X[i, j] > 0:
                r = float(w[i] @ c[j] + b[i] + b_c[j]) - math.log(X[i, j])
                slow += min(1, float(X[i, j]) / 10) ** 0.75 * r**2                                           # (3)
    i, j = X.nonzero().T
    assert abs(float(glove_loss(w, c, b, b_c, i, j, X[i, j])) - slow) < 1e-3 * slow



# cell be6ae663
def test_gradients_equal_formula_and_numeric_derivative():
    torch.manual_seed(0)
    w, c = (torch.randn(5, 3, dtype=torch.double, requires_grad=True) for _ in range(2))
    b, b_c = (torch.randn(5, dtype=torch.double, requires_grad=True) for _ in range(2))
    X = torch.rand(5, 5, dtype=torch.double) * 20 * (torch.rand(5, 5) < 0.7)
    i, j = X.nonzero().T
    x = X[i, j]
    grad_w, grad_c, grad_b, grad_bc = torch.autograd.grad(glove_loss(w, c, b, b_c, i, j, x), [w, c, b, b_c])
    weighted = torch.zeros(5, 5, dtype=torch.double).index_put((i, j), (weighting(x) * residual(w, c, b, b_c, i, j, x)).detach())
    torch.testing.assert_close(grad_w, 2 * weighted @ c); torch.testing.assert_close(grad_b, 2 * weighted.sum(1))      # (5)
    torch.testing.assert_close(grad_c, 2 * weighted.T @ w); torch.testing.assert_close(grad_bc, 2 * weighted.sum(0))
    assert torch.autograd.gradcheck(lambda *p: glove_loss(*p, i, j, x), (w, c, b, b_c))                                 # numeric



# cell 98a53252
def test_planted_structure_is_found():
    gen = torch.Generator().manual_seed(0)
    u, v, a = torch.randn(24, 3, generator=gen), torch.randn(24, 3, generator=gen), torch.randn(24, generator=gen)
    planted = (1 + u @ v.T + a[:, None]).clamp(-4, 5).exp()
    i, j = planted.nonzero().T
    fit = lambda dim: fit_glove(i, j, planted[i, j], 24, dim, epochs=150, rate=0.3, batch=64)
    (vectors, losses), (_, too_few) = fit(6), fit(1)
    assert losses[-1] < 0.02 * losses[0] and too_few[-1] > 5 * losses[-1]
    assert torch.equal(vectors, fit(6)[0])



# cell 9d887482
def test_oddities_of_the_real_files_are_read():
    with tempfile.TemporaryDirectory() as folder:
        odd = "the 0.1 0.2\n. . . 0.3 0.4\n\u00a0 0.5 0.6\nthe 9 9\nPoby -1 1e-3\n<unk> 1 1\n"
        for text in [odd, "6 2\n" + odd, odd.replace("\n", "\r\n"), odd.rstrip("\n")]:
            words, vectors = read_glove(glove_file(folder, text, "vectors.2d.txt"))
            assert words == ["the", ". . .", "\u00a0", "Poby", "<unk>"]                          # the first `the` counts
            torch.testing.assert_close(vectors, torch.tensor([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [-1, 1e-3], [1, 1]]))
        path = glove_file(folder, odd + "poby 7 7\n")
        words, vectors = read_glove(path, ["fox", "poby", "."])
        assert words == ["poby"] and vectors.tolist() == [[7, 7]]                                # exact before other case; `. . .` is not `.`
        assert read_glove(path, ["fox"])[0] == [] and read_glove(path, ["fox"])[1].shape == (0, 2)



# cell 27820850
def test_malformed_files_are_named_with_their_line():
    with tempfile.TemporaryDirectory() as folder:
        for text, expected in [("a 1 2\nb 1\n", "line 2 has 1 numbers after the word, not 2"), ("a 1 2\nb 1 2 3\n", "line 2 has 3 numbers after the word, not 2"),
                               ("a 1 2\nb 1 x\n", "line 2 has 'x' where a number should be"), ("a 1 2\nb nan 1\n", "line 2 has 'nan'"),
                               (b"a 1 2\n\xff\xfe 1 2\n", "line 2 has a word that is not UTF-8"), ("", "is empty"), ("hello\n", "line 1 has no numbers"),
                               ("a 1 2\n\nb 1 2\n", "line 2 has 0 numbers"), ("9 2\na 1 2\n", "promises 9"), (b"PK\x03\x04..", "unpack it first"),
                               ("a 1 2\n 1 2\n", "line 2 has no word")]:
            path = glove_file(folder, text)
            assert expected in complaint(read_glove, path) and str(path) in complaint(read_glove, path)
        assert "line 2 has 1 numbers" in complaint(read_glove, glove_file(folder, "a 1 2\nb 1\n"), ["a"])         # short lines even when not wanted
        assert "says 50" in complaint(read_glove, glove_file(folder, "a 1 2\n", "glove.6B.50d.txt"))
        for missing in ["none.txt", "."]: assert "cannot read" in complaint(read_glove, Path(folder) / missing)



# cell bff8f350
def test_a_hundred_thousand_lines_in_seconds():
    with tempfile.TemporaryDirectory() as folder:
        path = glove_file(folder, "".join(f"word{k}" + " 0.123456" * 50 + "\n" for k in range(100_000)))
        start = time.process_time()
        words, vectors = read_glove(path, ["word7", "word99999"])
        assert words == ["word7", "word99999"] and vectors.shape == (2, 50) and time.process_time() - start < 2



# cell 458d7c9e
def test_every_word_gets_a_row():
    vocabulary = Vocabulary(["bear", "fox", "mauve", "owl"])
    words, vectors = ["fox", "bear", "fox", "<pad>"], torch.tensor([[1., 2], [3, 4], [9, 9], [5, 5]])
    matrix, missing = embedding_matrix(vocabulary, words, vectors, generator(0, "rows"))
    assert missing == ["mauve", "owl"] and matrix.shape == (7, 2)
    assert matrix[0].tolist() == [0, 0] and matrix[3].tolist() == [3, 4] and matrix[4].tolist() == [1, 2]      # the first fox
    fewer, _ = embedding_matrix(vocabulary, [], torch.zeros(0, 2), generator(0, "rows"))
    assert torch.equal(fewer[5], matrix[5]) and (matrix[[1, 2, 5, 6]] != 0).all()                              # rows do not depend on one another
    wide, _ = embedding_matrix(vocabulary, [], torch.zeros(0, 4000), generator(0, "rows"))
    assert abs(float(wide[1:].std()) - 0.4) < 0.01
    encoder = LSTMEncoder(len(vocabulary), 2, 4)
    encoder.load_words(matrix)
    assert torch.equal(encoder.embedding.weight.detach(), matrix)



# cell 6e5f1de9
def test_nearest_words_by_angle():
    words, vectors = ["<pad>", "a", "b", "c", "d"], torch.tensor([[1., 0], [1, 0], [5, 1], [-1, 0], [0, 2]])
    assert [w for w, _ in nearest_words("a", words, vectors, 3)] == ["b", "d", "c"]
    assert abs(nearest_words("a", words, vectors)[0][1] - 5 / 26**0.5) < 1e-6 and len(nearest_words("a", words, vectors)) == 3
    try: nearest_words("aa", words, vectors); message = ""
    except InputError as error: message = str(error)
    assert "unknown word 'aa'" in message



# cell a36d378d
def test_words_of_one_kind_find_each_other():
    toons = Toons()
    captions = [caption for pair in toons.captions(toons.specs(1000, seed=1), per_picture=2) for caption in pair]
    vocabulary, vectors = train_glove(captions, dim=16, epochs=20)
    share, chance = same_kind(vocabulary, vectors)
    assert share > 0.5 and chance < 0.25
    characters = set(Toons.attributes["character"])
    found = [nearest_words(name, vocabulary.words, vectors, 1)[0][0] in characters for name in sorted(characters)]
    assert sum(found) >= 4                                          # of six; a random word would be a character once in seventeen
    assert vectors[0].abs().sum() == 0 and torch.equal(vectors[1], vectors[3:].mean(0))     # fewer than 100 words: `<unk>` is the mean of all



# cell 8acdde59
def test_plane_keeps_the_widest_directions():
    torch.manual_seed(0)
    points = torch.nn.functional.normalize(torch.randn(40, 5) * torch.tensor([5., 3, 0.02, 0.02, 0.02]), dim=1)
    plane = principal_plane(points)
    assert plane.shape == (40, 2) and plane[:, 0].std() >= plane[:, 1].std()
    assert torch.cdist(plane, plane).sub(torch.cdist(points, points)).abs().max() < 0.1               # nothing much is lost
    torch.testing.assert_close(principal_plane(points * 3), plane, atol=1e-5, rtol=0)



# cell bdce6697
def test_mean_of_the_known_words():
    vocabulary = Vocabulary(["bear", "fox", "meets", "a"])
    matrix = torch.tensor([[0., 0], [9, 9], [8, 8], [1, 2], [3, 4], [5, 0], [0, 1]])
    encoder = GloveEncoder(vocabulary, matrix)
    sentence, (words, lengths) = encoder.encode(["bear meets fox", "a zebra", "zebra"]), encoder.encode_words(["bear meets fox", "a zebra", "zebra"])
    torch.testing.assert_close(sentence, torch.tensor([[3., 2], [0, 1], [0, 0]]))                       # (6); an unknown word is passed over
    assert lengths.tolist() == [3, 2, 1] and words[0].tolist() == [[1, 2], [5, 0], [3, 4]] and words[1, 1:].abs().sum() == 0
    assert torch.equal(encoder.encode(["a bear meets a fox"]), encoder.encode(["a fox meets a bear"]))   # order is lost
    assert not [p for p in encoder.parameters() if p.requires_grad]
    try: GloveEncoder(vocabulary, matrix[:3]); message = ""
    except InputError as error: message = str(error)
    assert "7 words need as many vectors, not 3" in message
