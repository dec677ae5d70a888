"""Writes rows.json: random documents and the rows that SAELens makes of them."""

import json
import pathlib
import random

import numpy
import torch
from sae_lens.tokenization_and_batching import concat_and_batch_sequences

BOS = 1
SIZES = [2, 3, 5, 8, 16]
# The first token of rows and the token between documents; SAELens' store uses the first two.
MARKS = [(BOS, BOS), (None, BOS), (None, None), (BOS, None), (BOS, 2)]


def documents(draw):
    """Documents of 0 to 25 tokens, some with BOS inside or at either end."""
    made = []
    for _ in range(draw.randint(1, 12)):
        tokens = [draw.randint(2, 9) for _ in range(draw.choice([0, 0, 1, 2, 3, 7, 25]))]
        for place in range(len(tokens)):
            if draw.random() < 0.1:
                tokens[place] = BOS
        if tokens and draw.random() < 0.3:
            tokens[0] = BOS
        if tokens and draw.random() < 0.3:
            tokens[-1] = BOS
        made.append(tokens)
    return made


def case(draw, size, start, separator):
    made = documents(draw)
    rows = concat_and_batch_sequences(
        tokens_iterator=(torch.tensor(tokens, dtype=torch.long) for tokens in made),
        context_size=size,
        begin_batch_token_id=start,
        begin_sequence_token_id=None,
        sequence_separator_token_id=separator,
    )
    return {
        "context_size": size,
        "row_start": start,
        "separator": separator,
        "documents": made,
        "rows": [row.tolist() for row in rows],
    }


draw = random.Random(20)
cases = [
    case(draw, size, start, separator)
    for size in SIZES
    for start, separator in MARKS
    for _ in range(6)
]
path = pathlib.Path(__file__).with_name("rows.json")
path.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in cases) + "\n]\n")

# Ready rows: three rows of ids from 10 on.
ids = numpy.arange(10, 19, dtype=numpy.int64).reshape(3, 3)
numpy.savez(path.with_name("2d.npz"), tokens=ids)
numpy.savez_compressed(path.with_name("3d.npz"), tokens=ids.reshape(3, 1, 3).astype(numpy.int32))
