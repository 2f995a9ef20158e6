"""What every test can use."""

import pytest
from hypothesis import settings

# Says what was compared when an assertion in there fails.
pytest.register_assert_rewrite("tests.exactly_once")
pytest_plugins = ["tests.stack", "tests.web", "tests.browser"]

# A shared, slow machine is no failure; the seed that pytest-randomly prints makes examples come again.
settings.register_profile("whetstone", deadline=None, print_blob=True)
settings.load_profile("whetstone")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured (the fixture `figures`), whether or not they passed."""
    found = [
        str(value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == "figures" and report.when == "call"
    ]
    if found:
        terminalreporter.section("figures")
        terminalreporter.write("".join(f"{line}\n" for line in sorted(found)))
