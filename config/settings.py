"""Django settings. Everything that differs between installations comes from the environment."""

from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import environment, mail_settings, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = environment.folder("STAGEGATE_DATA_DIR", default=BASE_DIR / "var")

# Embedded: no database was named, so everything runs on this machine below DATA_DIR.
EMBEDDED = not environment.text("DATABASE_URL", "")

DEBUG = environment.flag("STAGEGATE_DEBUG", default=False)
SECRET_KEY = secret_key.read(DATA_DIR, embedded=EMBEDDED)
PORT = environment.integer("STAGEGATE_PORT", default=8000, low=1, high=65535)
BIND = environment.text("STAGEGATE_BIND", "127.0.0.1")
WEB_WORKERS = environment.integer("STAGEGATE_WEB_WORKERS", default=2, low=1, high=64)
ALLOWED_HOSTS = environment.items("STAGEGATE_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = environment.items("STAGEGATE_TRUSTED_ORIGINS", default=[])
HTTPS = environment.flag("STAGEGATE_HTTPS", default=False)

INSTALLED_APPS = [
    "accounts",
    "audit",
    "experiments",
    "registry",
    "lineage",
    "config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "heroicons",
    "rest_framework",
]

MIDDLEWARE = [
    "config.middleware.RefuseNulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.PreferredLanguageMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "config.context.interface",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------------------
DATABASE_URL = environment.url(
    "DATABASE_URL",
    default=f"sqlite:///{DATA_DIR}/stagegate.sqlite3",
    schemes=["sqlite", "postgres", "postgresql"],
)
try:
    DATABASES: dict[str, dict[str, Any]] = {"default": dict(dj_database_url.parse(DATABASE_URL))}
except ValueError as error:
    raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from error
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the write lock at BEGIN: a transaction that reads and then writes cannot fail half way
    # with "database is locked". WAL lets readers go on while one writes.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4000;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"].setdefault("OPTIONS", {})["connect_timeout"] = 5
# What a connection has read stays in its cache; with one for each request SQLite would begin without any.
DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The audit trail ------------------------------------------------------------------------------------
# Signed checkpoints, outside the database. Machines that make them have to share both.
CHECKPOINT_DIR = environment.folder("STAGEGATE_CHECKPOINT_DIR", default=DATA_DIR / "checkpoints")
CHECKPOINT_KEY = environment.file("STAGEGATE_CHECKPOINT_KEY", default=DATA_DIR / "checkpoint_key.pem")

# --- The outside systems ---------------------------------------------------------------------------------
REDIS_URL = environment.url(
    "REDIS_URL",
    default=f"redis+socket://{DATA_DIR}/run/redis.sock",
    schemes=["redis", "rediss", "redis+socket"],
)
MLFLOW_PORT = environment.integer("STAGEGATE_MLFLOW_PORT", default=5000, low=1, high=65535)
MLFLOW_TRACKING_URI = environment.url(
    "MLFLOW_TRACKING_URI", default=f"http://127.0.0.1:{MLFLOW_PORT}", schemes=["http", "https"]
)
# Where people reach MLflow's own pages, when that differs from the address the workers use.
MLFLOW_PUBLIC_URL = environment.url(
    "STAGEGATE_MLFLOW_PUBLIC_URL",
    default=environment.without_credentials(MLFLOW_TRACKING_URI),
    schemes=["http", "https"],
)
# Seconds after which a waiting job goes before all that came later, whatever their priority.
JOB_PATIENCE = environment.integer("STAGEGATE_JOB_PATIENCE", default=3600, low=60, high=30 * 86400)
JOB_CONCURRENCY = environment.integer("STAGEGATE_JOB_CONCURRENCY", default=2, low=1, high=64)
JOB_TIME_LIMIT = environment.integer("STAGEGATE_JOB_TIME_LIMIT", default=6 * 3600, low=10, high=30 * 86400)
# Threads that a stage's numeric libraries may use. More than one can change the last digits of a result.
STAGE_THREADS = environment.integer("STAGEGATE_STAGE_THREADS", default=1, low=1, high=1024)
# Hosts and networks that are not public, and that addresses in repositories may name all the same.
PRIVATE_HOSTS = environment.items("STAGEGATE_PRIVATE_HOSTS", default=())
# Where events about running pipelines go (Marquez, DataHub, ...); empty: nowhere.
OPENLINEAGE_URL = environment.optional_url("STAGEGATE_OPENLINEAGE_URL", schemes=["http", "https"])
OPENLINEAGE_API_KEY = environment.text("STAGEGATE_OPENLINEAGE_API_KEY", "")
# Whether the stages of a reproduction reach other hosts. What they would fetch there, no hash vouches for.
REPRODUCE_NETWORK = environment.flag("STAGEGATE_REPRODUCE_NETWORK", default=False)
# Whether they may run where the host cannot keep them away from the files and secrets of the worker.
REPRODUCE_UNENCLOSED = environment.flag("STAGEGATE_REPRODUCE_UNENCLOSED", default=False)
SYNC_INTERVAL = environment.integer("STAGEGATE_SYNC_INTERVAL", default=2, low=1, high=3600)
# Seconds. A worker renews the lease of its job six times in a lease; a job whose lease ran out is lost.
JOB_LEASE = environment.integer("STAGEGATE_JOB_LEASE", default=30, low=3, high=600)
# Seconds between TERM and KILL for a job that is cancelled or ran into its time limit.
JOB_CANCEL_GRACE = environment.integer("STAGEGATE_JOB_CANCEL_GRACE", default=20, low=0, high=600)
# Seconds after which a waiting job whose message got lost is announced to the workers again.
JOB_REANNOUNCE = environment.integer("STAGEGATE_JOB_REANNOUNCE", default=30, low=1, high=3600)

# --- People ----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- Security --------------------------------------------------------------------------------------------
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024
# A run form has up to a thousand parameters, each with what was typed and what was shown.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- Language, time --------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ko", _("Korean"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

# --- Static files ----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_storage.StaticStorage"},
}

# --- REST ------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.MayView"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "config.pagination.Pages",
    "EXCEPTION_HANDLER": "config.problems.handle",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Stagegate",
    "DESCRIPTION": "Model versions, promotions, experiments and lineage.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["accounts.permissions.MayView"],
    # Fields of one name whose values differ.
    "ENUM_NAME_OVERRIDES": {
        "PromotionState": "registry.models.promotions.Promotion.State",
        "PromotionKind": "registry.models.promotions.Promotion.Kind",
        "SweepState": "experiments.models.sweeps.Sweep.State",
        "SweepDirection": "experiments.models.sweeps.Sweep.Direction",
        "NoticeKind": "registry.models.notices.Notice.Kind",
        "DriftState": "registry.models.drifts.Drift.State",
        "DriftKind": "registry.models.drifts.Drift.Kind",
        "DataKind": "lineage.models.DataVersion.Kind",
        "FileChangeKind": ["added", "removed", "modified", "moved"],
        "StageDifferenceKind": ["code", "data", "parameter", "command", "input"],
    },
}

# --- E-mail ----------------------------------------------------------------------------------------------
# Where people reach this installation; links in e-mails begin with it.
BASE_URL = environment.url(
    "STAGEGATE_BASE_URL", default=f"http://localhost:{PORT}", schemes=["http", "https"]
).rstrip("/")
DEFAULT_FROM_EMAIL = environment.text("STAGEGATE_EMAIL_FROM", "Stagegate <stagegate@localhost>")
EMAIL_TIMEOUT = mail_settings.TIMEOUT
# EMAIL_BACKEND, EMAIL_HOST and so on
globals().update(mail_settings.read())

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
