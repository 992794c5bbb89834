"""The texts whose vectors are pinned: each kind of input that has gone wrong somewhere."""

from typing import Final

_WORDS: Final = ("river", "stone", "cloud", "paper", "window", "garden", "silver", "morning")


def _prose(words: int) -> str:
    """Return so many words, none of which the tokenizer splits."""
    return " ".join(_WORDS[(index * 3 + index // 8) % len(_WORDS)] for index in range(words))


TEXTS: Final[tuple[str, ...]] = (
    "a",
    "I",
    ".",
    "7",
    " ",
    "\n",
    "\u200b",
    "hello",
    "Hello, World!",
    "HELLO WORLD",
    "The quick brown fox jumps over the lazy dog.",
    "Is this sentence a question?",
    "not not not not not not",
    "Tessera turns text into vectors that can be searched.",
    "An embedding is a list of numbers that stands for the meaning of a text.",
    "  leading, trailing   and  inner   spaces  ",
    "tab\tand\nnewline\r\nand\u00a0no-break space",
    "zero\u200bwidth\u200djoiner and soft\u00adhyphen",
    "nul\x00byte and \ufffd replacement",
    "naïve café Ångström straße Øresund",
    "nai\u0308ve cafe\u0301 A\u030angstro\u0308m",
    "Z\u0351\u036b\u0343a\u0328\u0321l\u0334g\u0322o\u0329",
    "日本語の文章を埋め込みます。",
    "人工智能正在改变世界",
    "한국어 문장을 벡터로 바꿉니다",
    "สวัสดีชาวโลก",
    "Привет, мир! Как дела?",
    "Γειά σου Κόσμε",  # noqa: RUF001 - Greek, not mistyped Latin
    "مرحبا بالعالم، كيف حالك؟",
    "שלום עולם",
    "नमस्ते दुनिया",
    "🙂",
    "👩‍👩‍👧‍👦 family 🇩🇪 flag 👍🏽 thumb",
    "mixed English, 中文, العربية and 🚀",
    "def add(a: int, b: int) -> int:\n    return a + b  # sum",
    "SELECT id, name FROM users WHERE email = 'x@example.com' AND \"deleted\" IS NULL;",
    '{"error": {"message": "not found", "code": 404, "param": null}}',
    "https://example.com/a/b?c=d&e=f#g user@example.org 192.168.0.1 1,234.56 €",
    "a" * 300,  # one word beyond what the tokenizer splits: unknown
    "[CLS] [SEP] [MASK] [PAD] [UNK]",
    _prose(30),
    _prose(100),
    _prose(254),
    _prose(509),  # 511 tokens
    _prose(510),  # 512 tokens, all that the model takes
)
