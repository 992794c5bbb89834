"""`python -m inference.tensorrt.calibrate`: measure what FP8 is scaled by, once for a checkpoint.

Texts should be like those that will be served, queries with their instruction among them: what
reaches further than any of them is cut off.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from inference.checkpoint.digests import Digests
from inference.checkpoint.folder import Checkpoint
from inference.checkpoint.known import TOKENIZER
from inference.checkpoint.revision import find_revision
from inference.checkpoint.safetensors import CheckpointError
from inference.graph.scales import FILE, Reach, Scales
from inference.progress import Advance, Progress
from inference.tensorrt.model_optimizer import measure_with_optimizer
from inference.tensorrt.reach import CalibrationError, measure_reaches

Measure = Callable[[Checkpoint, list[list[int]], Progress], dict[str, Reach]]

MEASURES: Final[dict[str, Measure]] = {
    "onnxruntime": measure_reaches,
    "modelopt": measure_with_optimizer,
}
"""By what measures."""


def calibrate(
    checkpoint: Checkpoint, texts: Iterable[str], by: str, tokens_max: int, progress: Progress
) -> Scales:
    """Measure the scales of a checkpoint; texts are cut at `tokens_max`.

    Raises:
        CalibrationError: nothing could be measured.
        CheckpointError: the tokenizer is damaged.
        ValueError: the model does not know so many positions.
        OSError: a file cannot be read.
    """
    path = checkpoint.folder / TOKENIZER
    try:
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_padding()
        tokenizer.enable_truncation(tokens_max)
        encodings = tokenizer.encode_batch(list(texts))
    except Exception as error:  # tokenizers raises nothing narrower
        raise CheckpointError(f"{path} is no tokenizer: {error}") from error
    sequences = [encoding.ids for encoding in encodings if encoding.ids]
    reaches = MEASURES[by](checkpoint, sequences, progress)
    unknown = reaches.keys() - checkpoint.tensors.keys()
    if unknown:
        raise CalibrationError(f"{by} measured {min(unknown)}, which the checkpoint does not hold")
    return Scales(
        revision=find_revision(checkpoint, Digests(), progress),
        made_by=f"{by}, {len(sequences)} texts of up to {tokens_max} tokens",
        reaches=reaches,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(
        prog="python -m inference.tensorrt.calibrate", description=__doc__
    )
    parser.add_argument("checkpoint", type=Path, help="a Hugging Face folder")
    parser.add_argument("texts", type=Path, help="a file with one text a line")
    parser.add_argument("--out", type=Path, default=Path(FILE), help="the file to write")
    parser.add_argument("--by", choices=sorted(MEASURES), default="onnxruntime")
    parser.add_argument("--tokens-max", type=int, default=512, help="where texts are cut")
    chosen = parser.parse_args(arguments)
    try:
        scales = calibrate(
            Checkpoint.open(chosen.checkpoint),
            chosen.texts.read_text("utf-8").splitlines(),
            chosen.by,
            chosen.tokens_max,
            _Lines(),
        )
        chosen.out.write_bytes(scales.dump())
    except (CalibrationError, ValueError, OSError) as error:
        sys.exit(f"The scales cannot be measured: {error}")


class _Lines:
    """Writes a line for each step: there are few, and each is long."""

    @contextmanager
    def step(self, what: str, total: int | None = None) -> Iterator[Advance]:  # noqa: ARG002
        sys.stderr.write(f"{what} ...\n")
        yield lambda _: None


if __name__ == "__main__":
    main()
