from hypothesis import HealthCheck, settings

from browser import browser
from javascript import asked

__all__ = ["asked", "browser"]  # one for every folder: a second definition would start a second one

settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")
