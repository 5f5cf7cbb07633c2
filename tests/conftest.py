"""What all tests share: how Hypothesis looks for counterexamples."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "firetower",
    deadline=None,  # how fast a loaded machine is proves nothing
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("firetower")
