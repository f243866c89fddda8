"""Worlds, real sets and your own folder as one kind of object: `load_dataset("toons")`."""
from t2ibook.datasets.base import (DATASETS, DIGITS, DIGITS_CREDIT, EMOJIONE_CREDIT, SAY_DIGIT, Dataset, Rows, Source, crop_and_flip, emojione_rows,
                                   epoch_order, hashed_parts, load_dataset, pick_rows, rows_dataset, world_dataset)

__all__ = ["DATASETS", "DIGITS", "DIGITS_CREDIT", "EMOJIONE_CREDIT", "SAY_DIGIT", "Dataset", "Rows", "Source", "crop_and_flip", "emojione_rows",
           "epoch_order", "hashed_parts", "load_dataset", "pick_rows", "rows_dataset", "world_dataset"]
