"""Settings of the tests: the product's own, with a data folder that is thrown away."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("STAGEGATE_DATA_DIR", tempfile.mkdtemp(prefix="stagegate-tests-"))
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if _worker and Path(os.environ["STAGEGATE_DATA_DIR"]).name != _worker:
    # Processes that run tests side by side do not share mirrors, caches and databases.
    os.environ["STAGEGATE_DATA_DIR"] = str(Path(os.environ["STAGEGATE_DATA_DIR"]) / _worker)
os.environ.setdefault("STAGEGATE_SECRET_KEY", "only-for-tests-and-long-enough-for-every-check-0123456789")

from config.settings import *  # noqa: E402, F403
from config.settings import DATA_DIR, DATABASES  # noqa: E402

# Hundreds of accounts are made; a slow hash would test nothing but patience.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

DATA_DIR.mkdir(parents=True, exist_ok=True)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in the product: an in-memory database has other locks and cannot be shared by processes.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
