"""Everything that can be set about the admin process is explained."""

import re

from authz.settings import AdminSettings
from tests.docs.pages import PAGES


def test_every_setting_of_the_admin_process_is_explained() -> None:
    """In one of the two pages for whoever runs it."""
    rows = "".join(
        "".join(re.findall(r"^\| (`AUTHZ_.*?) \|", PAGES[page], re.MULTILINE))
        for page in ("docs/operations/admin.md", "docs/operations/mail.md")
    )
    there = {f"AUTHZ_{name.upper()}" for name in AdminSettings.model_fields}
    assert set(re.findall(r"AUTHZ_[A-Z_]+", rows)) == there
