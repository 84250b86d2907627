"""What holds for every test: how properties are tried."""

from hypothesis import settings

# The same examples in every run, so that a change fails for what it does and not for its luck. How long an example
# takes says more about the machine than about the code.
settings.register_profile("reproducible", derandomize=True, deadline=None)
# pytest --hypothesis-profile=exploring: other examples each time
settings.register_profile("exploring", derandomize=False, deadline=None)
settings.load_profile("reproducible")
