"""The tensors that cross between the adapter and the model on Triton.

One Triton request carries `rows` sequences, 1..ROWS_MAX, padded on the right to the longest of
them or to a bucket's length; in the Python backend Triton joins requests into one batch.

| tensor      | direction | type  | shape             | content                               |
|-------------|-----------|-------|-------------------|---------------------------------------|
| `input_ids` | in        | INT32 | [rows, longest]   | token ids, special tokens included    |
| `lengths`   | in        | INT32 | [rows, 1]         | real tokens of each row, the rest pad |
| `embedding` | out       | FP32  | [rows, width]     | unit vectors                          |

A packed graph takes `input_ids` INT32 [tokens], the rows one after the other without padding, and
instead of `lengths` the same numbers twice, `query_lengths` and `kv_lengths` INT32 [rows + 1]:
where each row begins, and at the end the number of tokens.

Padding between rows of one request costs bytes, never computation: the model works on real tokens
only. A request fails as a whole; the adapter then sends its rows once more, customer by customer.
"""

from typing import Final

MODEL: Final = "embedder"
INPUT_IDS: Final = "input_ids"
LENGTHS: Final = "lengths"
QUERY_LENGTHS: Final = "query_lengths"
KV_LENGTHS: Final = "kv_lengths"
EMBEDDING: Final = "embedding"

PAD_ID: Final = 0
"""What fills a row behind its length; any id would do, because it is never read."""

ROWS_MAX: Final = 32
"""Rows in one Triton request; Triton refuses more."""
