"""From a checkpoint to a folder that Triton, authz and the adapter read."""

from pathlib import Path

from inference.checkpoint.known import KnownModel, check_pins
from inference.repository.embedder import Tuning, lay_out
from inference.repository.store import store


def build_repository(
    model: KnownModel, checkpoint: Path, out: Path, tuning: Tuning | None = None
) -> bool:
    """Build `<out>/triton` and `<out>/card`; return whether anything had to be done.

    Raises:
        CheckpointError: the checkpoint is not the model's, or damaged.
        OSError: a file cannot be read or written.
    """
    check_pins(model, checkpoint)
    return store(lay_out(model, checkpoint, tuning or Tuning()), out)
