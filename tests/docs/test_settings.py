"""Everything that can be set about a process is explained where its operator looks."""

import re

from authz.settings import AdminSettings, ReportSettings
from tests.docs.pages import PAGES


def test_every_setting_of_the_admin_process_is_explained() -> None:
    """In one of the two pages for whoever runs it."""
    rows = "".join(
        "".join(re.findall(r"^\| (`AUTHZ_.*?) \|", PAGES[page], re.MULTILINE))
        for page in ("docs/operations/admin.md", "docs/operations/mail.md")
    )
    there = {f"AUTHZ_{name.upper()}" for name in AdminSettings.model_fields}
    assert set(re.findall(r"AUTHZ_[A-Z_]+", rows)) == there


def test_every_setting_of_the_process_that_reports_usage_is_explained() -> None:
    """On its page."""
    rows = "".join(
        re.findall(r"^\| (`AUTHZ_.*?) \|", PAGES["docs/operations/report.md"], re.MULTILINE)
    )
    there = {f"AUTHZ_{name.upper()}" for name in ReportSettings.model_fields}
    assert set(re.findall(r"AUTHZ_[A-Z_]+", rows)) == there
