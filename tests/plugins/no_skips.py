"""In CI a skipped test is a failure, unless it needs a browser and there is none."""

from __future__ import annotations

import os

import pytest


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turns a green run with skipped tests red, where LOCKKEEPER_CI is set."""
    if not os.environ.get("LOCKKEEPER_CI") or hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    unexcused = [report.nodeid for report in skipped if "browser" not in report.keywords]
    if unexcused and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"skipped, which CI does not allow: {', '.join(unexcused)}", red=True)
