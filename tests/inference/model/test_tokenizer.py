"""We tokenise as the reference does."""

from pathlib import Path

from contract.embeddings import EmbeddingsRequest, Texts
from contract.tokens import RequestTokenizer, Tokenised
from inference.checkpoint.known import MINILM
from tests.golden.vectors import Golden


def test_token_ids_are_the_references(repository: Path, golden: list[Golden]) -> None:
    """For every golden text, alone and all together."""
    tokenizer = RequestTokenizer.read(repository / "card")
    texts = [(item.text,) for item in golden]
    found: list[list[int]] = []
    for items in (*texts, tuple(item.text for item in golden)):
        request = EmbeddingsRequest(MINILM.card.id, Texts(items), "float", None)
        tokenised = tokenizer.tokenise(request)
        assert isinstance(tokenised, Tokenised)
        found.extend(tokenised.sequences)
    assert found == [item.ids.tolist() for item in golden] * 2
