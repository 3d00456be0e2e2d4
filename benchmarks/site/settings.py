"""Production's settings, but over plain HTTP, and with the bare views."""

from config.settings.production import *  # noqa: F403
from config.settings.production import INSTALLED_APPS as PRODUCT

ALLOWED_HOSTS = ["127.0.0.1"]
SECURE_SSL_REDIRECT = False
INSTALLED_APPS = [*PRODUCT, "benchmarks.site"]
ROOT_URLCONF = "benchmarks.site.urls"
