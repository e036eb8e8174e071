"""What holds for all tests."""

from hypothesis import settings

# How long an example may take goes by the clock, and says more of the machine than of the code; pytest's limit for a
# test that hangs stays.
settings.register_profile("ottla", deadline=None)
settings.load_profile("ottla")
