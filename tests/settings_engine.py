"""Settings of workers and dispatchers that tests start: the product's own, with short times and test kinds.

The grace of a cancelled job stays what it is in the product: its promise is tested in full.
"""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.probe_app.ProbeConfig"]
JOB_LEASE = 6
JOB_REANNOUNCE = 3
