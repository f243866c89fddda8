"""Checks of nbs/02a_encoders.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from t2ibook.core import InputError
from t2ibook.core import generator
from t2ibook.text.encoders import (
    BiLSTMEncoder,
    LSTMEncoder,
    SentenceEncoder,
    SentenceTransformerEncoder,
)
from t2ibook.text.tokens import EOF, PAD, UNK, Vocabulary
from t2ibook.trying import complaint
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from unittest import mock
import matplotlib.pyplot as plt
import sys
import torch
import types


def slow_lstm(x, weight_x, weight_h, bias_x, bias_h):
    "All states h_1 … h_n (L, H) of one caption, word vectors x (L, D), by equations (1) to (3)."
    h = c = torch.zeros(weight_h.shape[1])
    states = []
    for word in x:
        i, f, g, o = (weight_x @ word + bias_x + weight_h @ h + bias_h).chunk(4)   # (1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()                               # (2)
        h = o.sigmoid() * c.tanh()                                                 # (3)
        states.append(h)
    return torch.stack(states)


def last_state_after_padding(encoder, tokens):
    "The WRONG sentence vector: the state in the last column, padding or not."
    return encoder.lstm(encoder.embedding(tokens))[0][:, -1]


def padded(tokens, extra):
    "The same rows with `extra` more columns of padding."
    return torch.nn.functional.pad(tokens, (0, extra))


# cell 3cbc2e15
def test_written_out_cell_equals_the_library():
    torch.manual_seed(0)
    lstm, x = torch.nn.LSTM(5, 7, batch_first=True), torch.randn(9, 5)
    slow, fast = slow_lstm(x, *lstm.parameters()), lstm(x[None])[0][0]
    torch.testing.assert_close(slow, fast)
    slow_gradients = torch.autograd.grad(slow[-1].square().sum(), list(lstm.parameters()))
    fast_gradients = torch.autograd.grad(fast[-1].square().sum(), list(lstm.parameters()))
    for a, b in zip(slow_gradients, fast_gradients): torch.testing.assert_close(a, b)



# cell 94b405a6
def test_the_sizes_of_the_paper():
    learnable = lambda module: sum(p.numel() for p in module.parameters() if p.requires_grad)
    for word_dim, hidden, expected in [(300, 256, 570_368), (300, 512, 1_665_024), (300, 1024, 5_427_200)]:
        encoder = LSTMEncoder(10, word_dim, hidden)
        assert learnable(encoder.lstm) == expected == 4 * hidden * (word_dim + hidden) + 4 * hidden      # (4)
        assert learnable(encoder) == expected + 10 * word_dim                                            # and the word table
        assert learnable(LSTMEncoder(10, word_dim, hidden, freeze_words=True)) == expected
    assert learnable(BiLSTMEncoder(10, 300, 256).lstm) == 2 * 570_368
    assert sum(p.numel() for p in torch.nn.LSTM(300, 256).parameters()) == 570_368 + 4 * 256             # PyTorch's second bias



# cell 34435bd1
def test_batch_equals_one_by_one_equals_slow_loop():
    torch.manual_seed(0)
    tokens, lengths = torch.randint(3, 20, (5, 9)), torch.tensor([4, 9, 1, 7, 4])
    tokens[torch.arange(9) >= lengths[:, None]] = 0
    encoder = LSTMEncoder(20, 6, 8).eval()
    sentence, words = encoder(tokens, lengths)
    assert sentence.shape == (5, 8) and words.shape == (5, 9, 8) and encoder.n_features == 8
    for row, n, h, states in zip(tokens, lengths.tolist(), sentence, words):
        slow = slow_lstm(encoder.embedding.weight[row[:n]], *encoder.lstm.parameters())
        torch.testing.assert_close(h, slow[-1]); torch.testing.assert_close(states[:n], slow)
        torch.testing.assert_close(encoder(row[None, :n], torch.tensor([n]))[0][0], h)
        assert (states[n:] == 0).all()



# cell 2219b370
def test_every_encoder_keeps_the_promise():
    vocabulary = Vocabulary(["a", "bear", "sleeps", "waves"])
    torch.manual_seed(0)
    for kind in [LSTMEncoder, BiLSTMEncoder]:
        encoder = kind(len(vocabulary), 6, 8, word_dropout=0.5, vocabulary=vocabulary)
        captions = ["a bear sleeps", "a bear", "a bear waves"]
        tokens, lengths = vocabulary.encode(captions)
        sentence, words = encoder.eval()(tokens, lengths)
        encoder.train()
        torch.testing.assert_close(encoder.encode(captions), sentence); torch.testing.assert_close(encoder.encode(captions, batch=2), sentence)
        states, n = encoder.encode_words(captions)
        torch.testing.assert_close(states, words)
        assert n.tolist() == [4, 3, 4] and encoder.training and states.shape == (3, 4, encoder.n_features)      # `<eof>` counts; dropout is on again
        assert not encoder.encode(captions).requires_grad and encoder.sentences(captions).requires_grad



# cell f121ef9e
def test_what_cannot_be_encoded_is_refused():
    vocabulary = Vocabulary(["a", "bear"])
    encoder = LSTMEncoder(len(vocabulary), 4, 4, vocabulary=vocabulary)
    assert "square brackets" in complaint(encoder.encode, "a bear") and "square brackets" in complaint(encoder.encode_words, "a bear")
    assert "no captions" in complaint(encoder.encode, []) and "no words" in complaint(encoder.encode, ["!"])
    assert "without a vocabulary" in complaint(LSTMEncoder(5, 4, 4).encode, ["a bear"])
    assert "5 words and the word table 9" in complaint(LSTMEncoder, 9, 4, 4, vocabulary=vocabulary)



# cell b9cdeb69
def test_both_directions_end_where_they_should():
    torch.manual_seed(0)
    tokens, lengths = torch.randint(3, 20, (4, 6)), torch.tensor([6, 2, 5, 1])
    tokens[torch.arange(6) >= lengths[:, None]] = 0
    encoder = BiLSTMEncoder(20, 5, 7).eval()
    sentence, words = encoder(tokens, lengths)
    assert sentence.shape == (4, 14) and words.shape == (4, 6, 14) and encoder.n_features == 14
    forward, backward = list(encoder.lstm.parameters())[:4], list(encoder.lstm.parameters())[4:]
    for row, n, h, states in zip(tokens, lengths.tolist(), sentence, words):
        x = encoder.embedding.weight[row[:n]]
        left, right = slow_lstm(x, *forward), slow_lstm(x.flip(0), *backward).flip(0)      # (5)
        torch.testing.assert_close(states[:n], torch.cat([left, right], 1))
        torch.testing.assert_close(h, torch.cat([left[-1], right[0]]))



# cell eb2f85e8
def test_a_palindrome_reads_the_same_from_both_ends():
    encoder = BiLSTMEncoder(20, 5, 7).eval()
    parameters = list(encoder.lstm.parameters())
    with torch.no_grad():
        for forward, backward in zip(parameters[:4], parameters[4:]): backward.copy_(forward)
    sentence, _ = encoder(torch.tensor([[4, 9, 5, 9, 4, 0, 0]]), torch.tensor([5]))
    torch.testing.assert_close(sentence[:, :7], sentence[:, 7:])



# cell 7911b98c
def test_more_padding_changes_nothing():
    torch.manual_seed(0)
    tokens, lengths = torch.randint(3, 20, (4, 6)), torch.tensor([6, 2, 5, 1])
    tokens[torch.arange(6) >= lengths[:, None]] = 0
    for kind in [LSTMEncoder, BiLSTMEncoder]:
        encoder = kind(20, 5, 7).eval()
        sentence, words = encoder(tokens, lengths)
        longer, longer_words = encoder(padded(tokens, 30), lengths)
        torch.testing.assert_close(sentence, longer)
        torch.testing.assert_close(words, longer_words[:, :6]); assert (longer_words[:, 6:] == 0).all()



# cell b3a40fa5
def test_the_trap_makes_all_captions_alike():
    torch.manual_seed(0)
    encoder = LSTMEncoder(20, 50, 64).eval()
    tokens, lengths = torch.randint(3, 20, (2, 5)), torch.tensor([5, 5])
    right = encoder(padded(tokens, 40), lengths)[0]
    wrong = last_state_after_padding(encoder, padded(tokens, 40))
    assert (right[0] - right[1]).norm() > 0.5 and (wrong[0] - wrong[1]).norm() < 0.01
    torch.testing.assert_close(last_state_after_padding(encoder, tokens), right)      # without padding the two agree



# cell 3381c9d7
def test_word_dropout_only_in_training_and_by_its_generator():
    torch.manual_seed(0)
    encoder = LSTMEncoder(20, 5, 7, word_dropout=0.5)
    tokens, lengths = torch.randint(3, 20, (6, 8)), torch.full((6,), 8)
    encode = lambda seed: encoder(tokens, lengths, generator(seed, "word dropout"))[0]
    assert torch.equal(encode(0), encode(0)) and not torch.equal(encode(0), encode(1))
    encoder.eval()
    assert torch.equal(encode(0), encode(1))
    encoder.train()
    specials, lengths = torch.tensor([[2, 1, 2]]), torch.tensor([3])
    assert torch.equal(encoder(specials, lengths)[0], encoder.eval()(specials, lengths)[0])      # `<eof>` is never dropped



# cell aac859f4
def test_word_table_loads_and_freezes():
    matrix = torch.randn(20, 5, generator=generator(0, "matrix"))
    frozen, trained = LSTMEncoder(20, 5, 7, freeze_words=True), LSTMEncoder(20, 5, 7)
    for encoder in [frozen, trained]:
        encoder.load_words(matrix)
        assert torch.equal(encoder.embedding.weight[1:], matrix[1:]) and (encoder.embedding.weight[0] == 0).all()
        encoder(torch.tensor([[5, 6, 0]]), torch.tensor([2]))[0].sum().backward()
    assert frozen.embedding.weight.grad is None
    moved = trained.embedding.weight.grad.abs().sum(1) > 0
    assert moved.nonzero().flatten().tolist() == [5, 6]                # the words that were read, and never the padding
    try: trained.load_words(matrix[:, :4]); message = ""
    except InputError as error: message = str(error)
    assert "(20, 4)" in message and "(20, 5)" in message



# cell bb5eab76
def test_impossible_lengths_are_refused():
    encoder = LSTMEncoder(20, 5, 7)
    for lengths in [torch.tensor([0, 2]), torch.tensor([4, 2]), torch.tensor([2])]:
        try: encoder(torch.full((2, 3), 4), lengths); message = ""
        except InputError as error: message = str(error)
        assert "do not fit tokens of shape (2, 3)" in message



# cell e2ec306e
def test_a_missing_package_is_named():
    with mock.patch.dict(sys.modules, sentence_transformers=None):                    # as if it were not installed
        try: SentenceTransformerEncoder("any"); message = ""
        except InputError as error: message = str(error)
    assert "pip install sentence-transformers" in message



# cell 572b9fe5
def test_the_adapter_asks_for_what_the_package_offers():
    class StandIn(nn.Module):                                        # the three calls of the real class
        def __init__(self, name): super().__init__(); self.name, self.weight = name, nn.Parameter(torch.ones(3))
        def get_sentence_embedding_dimension(self): return 3
        def encode(self, captions, convert_to_numpy, show_progress_bar): return torch.stack([self.weight * len(c) for c in captions]).numpy()


    with mock.patch.dict(sys.modules, sentence_transformers=types.SimpleNamespace(SentenceTransformer=StandIn)):
        encoder = SentenceTransformerEncoder("all-MiniLM-L6-v2")
    assert encoder.model.name == "all-MiniLM-L6-v2" and encoder.n_features == 3 and not encoder.has_words
    assert encoder.encode(["a", "bear"]).tolist() == [[1, 1, 1], [4, 4, 4]]
    assert sum(p.numel() for p in encoder.parameters() if p.requires_grad) == 0
