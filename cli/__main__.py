"""`python -m cli` is `tessera`."""

from cli.main import main

main()
