"""Token ids and counts are those of Hugging Face transformers, for hard texts in plenty."""

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from tokenizers import Tokenizer

from contract.embeddings import EmbeddingsRequest, Query, Texts
from contract.models import ModelCard
from contract.tokens import RequestTokenizer, Tokenised
from inference.checkpoint.known import packaged_checkpoint
from tests.contract.hard_texts import PARTS
from tests.contract.model_folder import CARD as BERT_CARD
from tests.contract.qwen_like import CARD as QWEN_CARD
from tests.contract.qwen_like import CORPUS, TASK, train_like_qwen
from tests.reference.tokens import Ids, tokenise

_LANGUAGES: Final = (
    "Größe und Maß: „Straße“, 3,50 €",
    "人工智能正在改变世界。\uff11\uff12\uff13",
    "こんにちは\uff0c世界\uff01\u3000カタカナ",
    "مرحبا بالعالم، كيف الحال؟",
    "नमस्ते दुनिया",
    "Здравствуй, мир: ёлка",
    "สวัสดีชาวโลก",
    "👩\u200d👩\u200d👧 🇩🇪 👍🏽",
    "e\u0301 \u00e9 \u212b A\u030a \ufb01 \u2167",
)
_OWN_TASK: Final = "Finde é 漢 <|endoftext|> 's"
_TEXTS_TRIED: Final = 800

_PROMPT: Final = "Instruct: {}\nQuery:{}".format
_ASKED: Final[list[tuple[Query | None, Callable[[str], str]]]] = [
    (None, str),
    (Query(None), partial(_PROMPT, TASK)),
    (Query(_OWN_TASK), partial(_PROMPT, _OWN_TASK)),
]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Languages, code, and what tokenizers split in surprising ways."""
    pick = random.Random(12)  # noqa: S311 - reproducible texts, not secrets
    parts = (*PARTS, *_LANGUAGES)
    drawn = ("".join(pick.choices(parts, k=pick.randint(1, 30))) for _ in range(_TEXTS_TRIED))
    return [*CORPUS, *_LANGUAGES, *drawn]


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer as Qwen3-Embedding's is published."""
    folder = tmp_path_factory.mktemp("qwen")
    train_like_qwen().save(str(folder / "tokenizer.json"))
    named = {"tokenizer_class": "Qwen2Tokenizer", "model_max_length": 131_072}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    return folder


@pytest.fixture(scope="module")
def references(texts: list[str], qwen: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Ids]:
    """What transformers makes of the texts: as Qwen in each kind of prompt, and as the BERT."""
    prompted = [write(text) for _, write in _ASKED for text in texts]
    jobs = [(qwen, prompted), (packaged_checkpoint(), texts)]
    return tokenise(jobs, tmp_path_factory.mktemp("references"))


def test_what_qwen_runs_is_the_references(
    texts: list[str], qwen: Path, references: list[Ids]
) -> None:
    """With the model's task, a caller's, and none; from pieces, and by the tokenizer itself."""
    ours = _tokenise_all(QWEN_CARD, qwen, texts, [query for query, _ in _ASKED])
    assert ours == references[0]


def test_what_bert_runs_is_the_references(texts: list[str], references: list[Ids]) -> None:
    """The local model's own files, with special tokens at both ends."""
    assert _tokenise_all(BERT_CARD, packaged_checkpoint(), texts, [None]) == references[1]


def _tokenise_all(
    card: ModelCard, folder: Path, texts: list[str], queries: list[Query | None]
) -> list[list[int]]:
    """Return ids as the adapter makes them, in batches; and count as authz does, one by one."""
    tokenizer = RequestTokenizer(card, Tokenizer.from_file(str(folder / "tokenizer.json")))
    sequences: list[list[int]] = []
    for query in queries:
        for first in range(0, len(texts), 50):
            batch = tuple(texts[first : first + 50])
            outcome = tokenizer.tokenise(_request(card, batch, query))
            assert isinstance(outcome, Tokenised)
            sequences += outcome.sequences
            counts = [tokenizer.count(_request(card, (text,), query)) for text in batch]
            assert counts == [len(ids) for ids in outcome.sequences]
    return sequences


def _request(card: ModelCard, texts: tuple[str, ...], query: Query | None) -> EmbeddingsRequest:
    return EmbeddingsRequest(card.id, Texts(texts, query), "float", None)
