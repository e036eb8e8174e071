"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# How long an example may take, and how long it takes to make one, goes by the clock, and says more of the machine than
# of the code; pytest's limit for a test that hangs stays.
settings.register_profile("ottla", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ottla")
