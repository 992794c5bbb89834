"""The tensors that cross between the adapter and the model on Triton.

One Triton request carries `rows` sequences, 1..ROWS_MAX, padded on the right to the longest of
them; Triton joins the requests of many callers, of any lengths, into one batch.

| tensor      | direction | type  | shape             | content                               |
|-------------|-----------|-------|-------------------|---------------------------------------|
| `input_ids` | in        | INT32 | [rows, longest]   | token ids, special tokens included    |
| `lengths`   | in        | INT32 | [rows, 1]         | real tokens of each row, the rest pad |
| `embedding` | out       | FP32  | [rows, width]     | unit vectors                          |

Padding between rows of one request costs bytes, never computation: the model works on real tokens
only. A request fails as a whole, so rows of different customers never share one.
"""

from typing import Final

MODEL: Final = "embedder"
INPUT_IDS: Final = "input_ids"
LENGTHS: Final = "lengths"
EMBEDDING: Final = "embedding"

PAD_ID: Final = 0
"""What fills a row behind its length; any id would do, because it is never read."""

ROWS_MAX: Final = 32
"""Rows in one Triton request; Triton refuses more."""
