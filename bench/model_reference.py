"""What transformers makes of a checkpoint: what every engine is compared with."""

from pathlib import Path
from typing import Final

import numpy as np

from inference.engine.rows import Ids, Vectors
from inference.engine.settings import Device
from inference.variant import Precision

_DTYPES: Final = {Precision.FP32: "float32", Precision.BF16: "bfloat16"}


def run_transformers(
    folder: Path, precision: Precision, device: Device, sequences: list[Ids]
) -> Vectors:
    """Return the unit vectors of each sequence's last token, one run by itself after the other.

    Raises:
        ImportError: it is not installed.
        ValueError: it does not know the checkpoint's tensors.
    """
    import torch  # noqa: PLC0415 - neither need be installed
    from transformers import AutoModel  # noqa: PLC0415

    dtype = getattr(torch, _DTYPES[precision])
    model, notes = AutoModel.from_pretrained(folder, dtype=dtype, output_loading_info=True)
    if notes["missing_keys"]:  # it would go on with random numbers in their place
        raise ValueError(f"transformers finds no {min(notes['missing_keys'])}")
    model = model.to(str(device))
    rows = []
    with torch.inference_mode():
        for ids in sequences:
            row = torch.from_numpy(ids.astype(np.int64)).unsqueeze(0).to(str(device))
            state = model(row, use_cache=False).last_hidden_state[0, -1].float()
            rows.append((state / state.norm()).cpu().numpy())
    return np.stack(rows)
