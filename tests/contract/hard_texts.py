"""Texts that tokenizers split in surprising ways."""

from typing import Final

from hypothesis import strategies as st

PARTS: Final = (
    *("a", "b", "C", "the", " the", "ing", "un", "'s", "'LL", "'re", "x" * 101, "0", "17"),
    *(" ", "  ", "\t", "\n", "\r\n", "\x0b", "\x0c", "\x00", "\x1c", "\x1f", "\x7f"),
    *("!", "-", "_", ".", "<", ">", "[", "]", "|", "'", '"', "\\", "^", "`", "{", "~", "@", "#"),
    *(
        "[MASK]",
        "[mask]",
        "<|endoftext|>",
        "<|end",
        "é",
        "\u017f",
        "漢",
        "\u0301",
        "😀",
        "\u2028",
        "\xa0",
    ),
)

HARD_TEXTS: Final = st.one_of(
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=30).map("".join),
    st.text(st.characters(max_codepoint=127), min_size=1, max_size=60),
    st.text(min_size=1, max_size=40),
)
