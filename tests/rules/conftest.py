"""Property tests of the rules."""

from hypothesis import settings

# The machine that runs the tests may be busy; a slow example is not a wrong one.
settings.register_profile("rules", deadline=None)
settings.load_profile("rules")
