"""How machines first learned to draw from words: six papers, rebuilt."""
__version__ = "0.1.0"
