"""The cyclic garbage collector, tuned for a server that must not stand still."""

import gc
from typing import Final

_NEW_OBJECTS: Final = 100_000
_YOUNG_COLLECTIONS: Final = 50
_MIDDLE_COLLECTIONS: Final = 100


def settle() -> None:
    """Call once, when all that lives until the end has been made.

    What lives already is never looked through again: that was half the 99th percentile. And the
    collector starts more rarely: by default it goes through all of a large body again and again
    while that is being parsed, and every other request waits, for up to two seconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG_COLLECTIONS, _MIDDLE_COLLECTIONS)
