"""Settings of the tests: the product's own, with a data folder that is thrown away."""

import os
import tempfile

os.environ.setdefault("STAGEGATE_DATA_DIR", tempfile.mkdtemp(prefix="stagegate-tests-"))
os.environ.setdefault("STAGEGATE_SECRET_KEY", "only-for-tests-and-long-enough-for-every-check-0123456789")

from config.settings import *  # noqa: F403
from config.settings import DATA_DIR, DATABASES

# Hundreds of accounts are made; a slow hash would test nothing but patience.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in the product: an in-memory database has other locks and cannot be shared by processes.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
