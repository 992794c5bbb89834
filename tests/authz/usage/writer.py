"""A process that charges as fast as it can, and says each charge once it is written.

    python -m tests.authz.usage.writer FILE

It folds, refunds and forgets beside that, so that a kill comes at any point of these.
"""

import os
import sys
from pathlib import Path

from authz.domain.usage.position import Position
from authz.domain.usage.refund import Refund
from tests.authz.usage.making import Kept


def main() -> None:
    """Go on until killed; a charge's id is on standard output when its call has returned."""
    kept = Kept(Path(sys.argv[1]))
    number = 0
    while True:
        number += 1
        request_id = kept.charge()
        os.write(1, f"{request_id}\n".encode())
        if number % 5 == 0:
            kept.journal.fold(3)
        if number % 11 == 0:
            kept.fold()
            for charge in kept.journal.find(request_id):
                refund = Refund(charge, is_model_failure=True, to_lease=False)
                kept.journal.refund([refund], Position(1, number))
        if number % 17 == 0:
            kept.journal.forget(100)


if __name__ == "__main__":
    main()
