"Words: tokens and vocabulary, word vectors, sentence encoders."
