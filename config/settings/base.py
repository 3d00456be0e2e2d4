"""Settings common to every place we run. Values that differ come from `config.environment`."""

from urllib.parse import parse_qsl, unquote, urlsplit

from config import logs
from config.back_office import UNFOLD as UNFOLD
from config.environment import PROJECT_ROOT, environment, split

ENV = environment()
BASE_DIR = PROJECT_ROOT

SECRET_KEY = ENV.secret_key.get_secret_value()
FIELD_ENCRYPTION_KEYS = split(ENV.field_encryption_keys.get_secret_value())
DEBUG = False
ALLOWED_HOSTS = split(ENV.allowed_hosts)
SANDBOX = ENV.sandbox
SANDBOX_URL = ENV.sandbox_url
PUBLIC_URL = ENV.public_url
TRUSTED_PROXIES = ENV.trusted_proxies

INSTALLED_APPS = [
    "config",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_celery_beat",
    "django_structlog",
    "guardian",
    "pgtrigger",
    "rest_framework",
    "audit",
    "configuration",
    "notifications",
    "accounts",
    "ledger",
    "disbursements",
    "promos",
    "loans",
    "ussd",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "config.middleware.AuditContextMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# Gateways call with and without a trailing slash; both patterns are in the URLs, a redirect would lose the body.
APPEND_SLASH = False

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
            ],
        },
    },
]

_DB = urlsplit(ENV.database_url)
# Seconds a request waits for a connection. A USSD turn must answer within the gateway's 10 s even when
# PostgreSQL is gone, and it may try twice.
DATABASE_WAIT_SECONDS = 2
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(_DB.path.lstrip("/")),
        "USER": unquote(_DB.username or ""),
        "PASSWORD": unquote(_DB.password or ""),
        "HOST": _DB.hostname or "",
        "PORT": str(_DB.port or 5432),
        "CONN_MAX_AGE": 0,
        # A pooled connection that died with a restarted PostgreSQL is replaced before it is used.
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": ENV.behind_pgbouncer,
        "OPTIONS": {
            "connect_timeout": DATABASE_WAIT_SECONDS,
            "options": "-c lock_timeout=30s -c statement_timeout=60s -c idle_in_transaction_session_timeout=120s",
            **(
                {"prepare_threshold": None}
                if ENV.behind_pgbouncer
                else {
                    "pool": {
                        "min_size": 1,
                        "max_size": ENV.database_pool_size,
                        "timeout": DATABASE_WAIT_SECONDS,
                        # The pool waits twice as long before each new try to connect: after an outage of minutes
                        # it would go on saying no for minutes. This long it keeps on; then the next request tries.
                        "reconnect_timeout": DATABASE_WAIT_SECONDS,
                    }
                }
            ),
            # Such as ?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem
            **dict(parse_qsl(_DB.query)),
        },
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = ENV.redis_url
REDIS_SESSION_URL = ENV.redis_session_url or ENV.redis_url
REDIS_KEY_PREFIX = ENV.redis_key_prefix
# Seconds. Short, because a turn works without Redis and must not wait for it.
REDIS_WAIT_SECONDS = 1
_REDIS_OPTIONS = {
    "CLIENT_CLASS": "django_redis.client.DefaultClient",
    "SOCKET_CONNECT_TIMEOUT": REDIS_WAIT_SECONDS,
    "SOCKET_TIMEOUT": REDIS_WAIT_SECONDS,
}
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_KEY_PREFIX,
        "OPTIONS": _REDIS_OPTIONS,
    },
    # USSD sessions, throttles, locks: raw commands through `get_redis_connection("sessions")`.
    "sessions": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_SESSION_URL,
        "KEY_PREFIX": REDIS_KEY_PREFIX,
        "OPTIONS": _REDIS_OPTIONS,
    },
}

CELERY_BROKER_URL = ENV.redis_broker_url or REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{REDIS_KEY_PREFIX}:celery:",
    # A task not acknowledged after this many seconds is given to another worker: longer than our longest task.
    "visibility_timeout": 3600,
    "socket_connect_timeout": REDIS_WAIT_SECONDS,
    # A nudge inside a turn waits this long for a broker that hangs; a worker's blocking read takes one second.
    "socket_timeout": 3,
}
CELERY_BROKER_CONNECTION_TIMEOUT = REDIS_WAIT_SECONDS
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A lost nudge is found by a sweep; waiting for the broker inside a customer's turn is worse.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_ROUTES = {
    "disbursements.*": {"queue": "payouts"},
    "notifications.*": {"queue": "notifications"},
    "promos.generate_*": {"queue": "exports"},
    "loans.apply_repayment_file": {"queue": "exports"},
    # They speak to a provider, as payouts do.
    "loans.advance_collection": {"queue": "payouts"},
    "loans.process_collection_callback": {"queue": "payouts"},
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# Seconds between runs. Each app's sweep finds rows whose nudge was lost.
CELERY_BEAT_SCHEDULE = {
    "sweep-due-disbursements": {"task": "disbursements.sweep_due", "schedule": 5.0},
    "sweep-unprocessed-callbacks": {"task": "disbursements.sweep_callbacks", "schedule": 30.0},
    "check-provider-balances": {"task": "disbursements.check_balances", "schedule": 60.0},
    "report-stuck-disbursements": {"task": "disbursements.report_stuck", "schedule": 300.0},
    "sweep-due-messages": {"task": "notifications.sweep_due", "schedule": 10.0},
    "expire-promo-codes": {"task": "promos.expire_due", "schedule": 60.0},
    "resume-generation-runs": {"task": "promos.sweep_generation", "schedule": 15.0},
    "sweep-due-collections": {"task": "loans.sweep_collections", "schedule": 5.0},
    "sweep-collection-callbacks": {"task": "loans.sweep_collection_callbacks", "schedule": 30.0},
    "report-stuck-collections": {"task": "loans.report_stuck_collections", "schedule": 300.0},
    "sweep-paid-in-notices": {"task": "loans.sweep_notices", "schedule": 15.0},
    "resume-repayment-files": {"task": "loans.sweep_repayment_files", "schedule": 30.0},
    "follow-due-dates": {"task": "loans.follow_due_dates", "schedule": 600.0},
    "send-loan-reminders": {"task": "loans.send_reminders", "schedule": 300.0},
    "count-loan-funnel": {"task": "loans.count_funnel", "schedule": 300.0, "kwargs": {"days": 2}},
    "recount-loan-funnel": {"task": "loans.count_funnel", "schedule": 21600.0, "kwargs": {"days": 45}},
    "store-ussd-turns": {"task": "ussd.store_turns", "schedule": 5.0},
    "store-loan-offers": {"task": "loans.store_offers", "schedule": 5.0},
    "make-loan-number-sequences": {"task": "loans.make_number_sequences", "schedule": 21600.0},
    "create-audit-partitions": {"task": "audit.create_partitions", "schedule": 21600.0},
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
# Guardian would add an anonymous row to the customers' table.
ANONYMOUS_USER_NAME = None
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
# Stored and computed in UTC; business days use the country's zone from configuration.
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"

# A gateway's turn is a few hundred bytes; nothing we accept is large.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.ApiTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
    ],
    "EXCEPTION_HANDLER": "config.api_errors.handle_exception",
    "UNAUTHENTICATED_USER": None,
}

LOGGING = logs.logging_config(level=ENV.log_level, as_json=ENV.log_json)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
