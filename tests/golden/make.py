"""Makes `minilm.npz` with the reference implementation; run by hand, where torch is installed.

    python -m venv /tmp/reference
    /tmp/reference/bin/pip install torch==2.13.0 transformers==4.57.6 'numpy<2'
    HF_HUB_OFFLINE=1 PYTHONPATH=. /tmp/reference/bin/python -m tests.golden.make CHECKPOINT_FOLDER

What sentence-transformers does for this model: tokenise, encode, average over the real tokens,
scale to unit length; except that texts up to the model's full 512 positions are not cut at 256.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertModel, BertTokenizerFast

from tests.golden.texts import TEXTS

_TOKENS_MAX = 512


def main(checkpoint: str) -> None:
    """Write the token ids and the vector of every text."""
    tokenizer = BertTokenizerFast.from_pretrained(checkpoint)
    model = BertModel.from_pretrained(checkpoint, attn_implementation="eager").eval()
    ids = [_tokenise(tokenizer, text) for text in TEXTS]
    with torch.inference_mode():
        vectors = np.stack([_embed(model, sequence) for sequence in ids])
    np.savez_compressed(
        Path(__file__).with_name("minilm.npz"),
        ids=np.concatenate(ids).astype(np.uint16),
        lengths=np.array([len(sequence) for sequence in ids], dtype=np.uint16),
        vectors=vectors.astype(np.float32),
    )


def _tokenise(tokenizer: BertTokenizerFast, text: str) -> list[int]:
    ids: list[int] = tokenizer(text)["input_ids"]
    if len(ids) > _TOKENS_MAX:
        raise ValueError(f"{len(ids)} tokens are too many: {text[:40]!r}")
    return ids


def _embed(model: BertModel, ids: list[int]) -> NDArray[np.float32]:
    states = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
    vector: NDArray[np.float32] = torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy()
    return vector


if __name__ == "__main__":
    main(sys.argv[1])
