"""Settings. They compute and start nothing: no server, no key file, no network.

Everything a deployment may change is an environment variable named LUHAI_…, or DATABASE_URL.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from luhai.shell import postgres
from luhai.shell.secrets import secret_key

if not __debug__:  # assertions guard our own mistakes; -O would take them away
    raise SystemExit("luhai does not run under python -O")

BASE = Path(__file__).resolve().parents[3]
STATE = Path(os.environ.get("LUHAI_STATE") or BASE / ".luhai")
DATA = BASE / "data"
#: Ready accounts, one-click sign-in and invented data. Only ever true on loopback; `luhai demo` sets it.
DEMO = os.environ.get("LUHAI_DEMO") == "1"
DEBUG = os.environ.get("LUHAI_DEBUG") == "1"
HOSTS = os.environ.get("LUHAI_HOSTS", "localhost,127.0.0.1,[::1]")
SECURE = os.environ.get("LUHAI_HTTPS") == "1"

SECRET_KEY = os.environ.get("LUHAI_SECRET_KEY") or secret_key(STATE)
ALLOWED_HOSTS = [host.strip() for host in HOSTS.split(",") if host.strip()]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS] if SECURE else []

INSTALLED_APPS = [
    "luhai.shell",
    "luhai.core.parties",
    "luhai.core.policies",
    "luhai.core.rules",
    "luhai.core.ledger",
    "luhai.core.titles",
    "luhai.core.evidence",
    "luhai.core.escrow",
    "luhai.records.products",
    "luhai.records.transport",
    "luhai.settlement.checks",
    "luhai.settlement.payments",
    "luhai.financing.lending",
    "luhai.market.matching",
    "luhai.oversight.statistics",
    "luhai.oversight.releases",
    "luhai.oversight.evaluation",
    "luhai.oversight.replication",
    "luhai.desks",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "procrastinate.contrib.django",
    "csp",
]

MIDDLEWARE = [
    "luhai.shell.observe.Measured",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "luhai.core.parties.acting.Acting",
]

ROOT_URLCONF = "luhai.config.urls"
WSGI_APPLICATION = "luhai.config.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "luhai.shell.web.frame",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "luhai.shell.templatetags.luhai"],
        },
    }
]

DATABASES = {
    "default": postgres.settings("app"),  # row-level security binds it
    "owner": postgres.settings("owner"),  # migrates
}
DATABASE_ROUTERS = ["luhai.shell.routing.OneDatabase"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ATOMIC_REQUESTS = False  # a command is its own transaction, and records its refusal in another

CACHES = {
    # Sign-in failures are counted here, so it must be shared by all workers and outlive them.
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "shell_cache", "OPTIONS": {"MAX_ENTRIES": 1_000_000}}
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("LUHAI_PROXIES", "0"))
#: Without a mail server, mails (to reset a password) are printed on standard error.
EMAIL_HOST = os.environ.get("LUHAI_SMTP_HOST", "")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
DEFAULT_FROM_EMAIL = os.environ.get("LUHAI_MAIL_FROM", "luhai@localhost")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],  # ECharts and progress bars set style attributes
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        # Chrome applies this to redirects after a form as well, so the identity provider must be named.
        "form-action": ["'self'", *filter(None, [os.environ.get("LUHAI_OIDC_URL")])],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}

AUTH_USER_MODEL = "parties.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "luhai.core.parties.sign_in.AccountAdapter"
ACCOUNT_RATE_LIMITS = {"login_failed": "30/m/ip,5/15m/key"}  # five wrong passwords lock an account for 15 minutes
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Luhai"
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_PROVIDERS = (
    {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": os.environ.get("LUHAI_OIDC_NAME", "OpenID Connect"),
                    "client_id": os.environ["LUHAI_OIDC_CLIENT_ID"],
                    "secret": os.environ["LUHAI_OIDC_SECRET"],
                    "settings": {"server_url": os.environ["LUHAI_OIDC_URL"]},
                }
            ]
        }
    }
    if os.environ.get("LUHAI_OIDC_URL")
    else {}
)

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
USE_I18N = USE_TZ = True
LOCALE_PATHS = [BASE / "src/luhai/settlement/messages/locale"]  # a pure package, no app
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "/static/"
STATICFILES_DIRS = [path for path in [STATE / "static"] if path.is_dir()]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {"staticfiles": {"BACKEND": "luhai.shell.static.Versioned"}}

#: A document of 4 MiB in base64, with what stands around it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 2**20
NINJA_PAGINATION_PER_PAGE = 50
LOGGING_CONFIG = "luhai.shell.observe.configure"
LOGGING: dict[str, Any] = {"version": 1}  # not empty, or Django would not call it
SILENCED_SYSTEM_CHECKS = ["account.W001"]
TEST_RUNNER = "django.test.runner.DiscoverRunner"
PROCRASTINATE_IMPORT_PATHS = [
    "luhai.shell.jobs",
    "luhai.core.ledger.jobs",
    "luhai.core.escrow.jobs",
    "luhai.financing.lending.jobs",
    "luhai.market.matching.jobs",
    "luhai.oversight.statistics.jobs",
]

BRAND = {"zh": "陆海智融通", "en": "Luhai", "long": _("Finance on the New Western Land-Sea Corridor")}
