"""What every test can use."""

from hypothesis import settings

pytest_plugins = ["tests.stack", "tests.web", "tests.browser"]

# A shared, slow machine is no failure; the seed that pytest-randomly prints makes examples come again.
settings.register_profile("whetstone", deadline=None, print_blob=True)
settings.load_profile("whetstone")
