"""Checks of nbs/02_text.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from hypothesis import given, settings, strategies as st
from pathlib import Path
from t2ibook.core import DataError, InputError
from t2ibook.core import read_json, write_json
from t2ibook.text.tokens import (
    EOF,
    PAD,
    SPECIALS,
    UNK,
    Vocabulary,
    _CLITICS,
    _DROPPED,
    _EDGES,
    _ODD,
    _SURROGATE,
    _many,
    _words,
    tokenize,
)
from torch import Tensor
import json
import re
import tempfile
import time
import torch
import unicodedata


# cell a01a8562
def test_tokens_as_in_the_figure():
    assert tokenize("Crong can't find Petty's hat. Crong cries.") == "crong ca n't find petty 's hat crong cries".split()
    assert tokenize("they're, I'm, we'd, he'll, I've") == "they 're i 'm we 'd he 'll i 've".split()
    assert tokenize("It’s a ‘red’ snow-covered hill: 2.5 or 1,000?") == "it 's a ' red ' snow-covered hill 2.5 or 1,000".split()
    assert tokenize("house.Then cannot") == ["house", "then", "can", "not"]
    assert tokenize("cafe\u0301 CAFÉ \ufeffcaf\u00ade\u0301") == ["café"] * 3
    assert tokenize(" . , \n - — ") == []



# cell eed19cc2
def test_cutting_twice_changes_nothing():
    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.one_of(st.text(st.characters(codec="utf-8")), st.text(alphabet="aAnst'’.,1- \u0301İ\x00", max_size=12)))
    def check(text):
        words = tokenize(text)
        assert all(word and not any(c.isspace() for c in word) for word in words)
        assert tokenize(" ".join(words)) == words
    check()



# cell b2c71e9b
def test_what_is_no_text_is_refused():
    for bad, complaint in [(None, "must be text, not NoneType"), (3, "must be text, not int"), ("a \ud83d dog", "half a character")]:
        try: tokenize(bad); message = ""
        except InputError as error: message = str(error)
        assert complaint in message



# cell 49111330
def test_rows_are_padded_and_closed():
    vocabulary = Vocabulary.build(["a red bird", "a bird"])
    assert vocabulary.words == ["<pad>", "<unk>", "<eof>", "a", "bird", "red"]
    tokens, lengths = vocabulary.encode(["A bird.", "a red bird", "a blue red bird"])
    assert tokens.tolist() == [[3, 4, 2, 0, 0], [3, 5, 4, 2, 0], [3, 1, 5, 4, 2]] and lengths.tolist() == [3, 4, 5]   # (1)
    assert tokens.dtype == lengths.dtype == torch.int64
    plain, shorter = vocabulary.encode(["a bird"], eof=False)
    assert plain.tolist() == [[3, 4]] and shorter.tolist() == [2]
    assert Vocabulary.build(["a red bird", "a bird"], least=2).words[3:] == ["a", "bird"]



# cell ed2c784a
def test_unknown_words_are_reported_and_keep_their_place():
    vocabulary = Vocabulary.build(["a red bird", "a bird"])
    assert vocabulary.unknown(["A mauve bird!", "mauve, isn't it?"]) == {"mauve": 2, "is": 1, "n't": 1, "it": 1}
    assert vocabulary.decode(vocabulary.encode(["a mauve bird"])[0][0]) == "a <unk> bird"
    assert vocabulary.coverage("a mauve bird") == 2 / 3 and vocabulary.coverage("") == 0
    assert vocabulary.encode(["<pad> <eof> a"])[0].tolist() == [[1, 1, 3, 2]]      # typed specials are words, not commands



# cell 0f5838ad
def test_any_text_is_encoded_or_refused():
    vocabulary = Vocabulary.build(["a red bird sits"])
    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.text(max_size=80))
    def check(text):
        try: tokens, lengths = vocabulary.encode([text], max_words=20)
        except InputError as error:
            assert "write at least one" in str(error) or "shorten it" in str(error) or "half a character" in str(error)
            return
        words = tokenize(text)
        assert tokens.shape == (1, len(words) + 1) and lengths.tolist() == [len(words) + 1]
        known = Vocabulary.build([text])
        assert known.decode(known.encode([text])[0][0]) == " ".join(words)
        assert Vocabulary.from_json(json.loads(json.dumps(known.to_json()))) == known
    check()



# cell c95baded
def test_empty_and_endless_captions_are_refused():
    vocabulary = Vocabulary(["a"])
    for captions, complaint in [([""], "the caption has no words"), (["a", " \t. "], "caption 2 has no words"), ([], "no captions"),
                                (["a " * 65], "has 65 words and at most 64 are read; shorten it"), ("a", "square brackets")]:
        try: vocabulary.encode(captions); message = ""
        except InputError as error: message = str(error)
        assert complaint in message
    assert vocabulary.encode(["a " * 64])[1].tolist() == [65]
    assert vocabulary.encode(["a " * 99], max_words=None)[1].tolist() == [100]



# cell 4065bbaa
def test_the_list_travels_as_json():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocabulary.json"
        vocabulary = Vocabulary.build(["ein grüner Vogel 🐦", "can't"])
        write_json(path, vocabulary.to_json())
        assert Vocabulary.from_json(read_json(path)) == vocabulary
    for damaged in [[], {}, {"words": "abc"}, {"words": ["a", "a"]}, {"words": ["<pad>"]}, {"words": [3]}]:
        try: Vocabulary.from_json(damaged); refused = False
        except DataError: refused = True
        assert refused



# cell 791db358
def test_ten_thousand_captions_in_less_than_a_second():
    captions = [f"The penguin number {i} can't wave, the bear's friend is {i % 7} years old." for i in range(10_000)]
    vocabulary = Vocabulary.build(captions[:100])
    start = time.process_time()
    tokens, lengths = vocabulary.encode(captions)
    assert time.process_time() - start < 1
    assert tokens.shape == (10_000, 16)
