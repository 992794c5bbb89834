"""What Hugging Face transformers makes of texts: `python token_worker.py REQUEST.json IDS.json`.

Runs in the environment that has transformers, and imports nothing of this project. The
request lists folders of checkpoints, each with texts; the answer has ids in the same order.
"""

import json
import sys
from pathlib import Path

from transformers import AutoTokenizer


def main(request: Path, answer: Path) -> None:
    """Tokenise every text by itself, as an encoder of sentences would."""
    jobs = json.loads(request.read_text())
    answer.write_text(json.dumps([_tokenise(folder, texts) for folder, texts in jobs]))


def _tokenise(folder: str, texts: list[str]) -> list[list[int]]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer(text)["input_ids"] for text in texts]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
