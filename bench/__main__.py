"""`make bench`, or `python -m bench`: measure the product; `python -m bench model`: a model.

`python -m bench full-size`: whether a CPU gets the right vectors out of the largest.
"""

import sys


def main() -> None:
    """Run one of them."""
    # Each imports what it needs: a model is also measured where little is installed.
    if sys.argv[1:2] == ["model"]:
        from bench import model  # noqa: PLC0415

        model.main(sys.argv[2:])
    elif sys.argv[1:2] == ["full-size"]:
        from bench import full_size  # noqa: PLC0415

        full_size.main(sys.argv[2:])
    else:
        from bench import parts  # noqa: PLC0415

        parts.main()


if __name__ == "__main__":
    main()
