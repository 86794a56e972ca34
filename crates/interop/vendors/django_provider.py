"""django-oauth-toolkit as an OpenID provider: django_provider.py PORT CLIENT_ID SECRET REDIRECT_URI

It has one user, "alice" with the password "any", and says which issuer it is once it listens.
"""

import sys
import tempfile
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

port, client_id, secret, redirect_uri = sys.argv[1:]
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
folder = tempfile.mkdtemp()
LOGIN = """<form method="post">{% csrf_token %}{{ form.as_p }}
<input type="hidden" name="next" value="{{ next }}"><button>Log in</button></form>"""

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/db"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    LOGIN_URL="/login/",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
        "OAUTH2_VALIDATOR_CLASS": "__main__.Validator",
        "PKCE_REQUIRED": True,
        "SCOPES": {"openid": "who you are", "profile": "your name", "email": "your address"},
    },
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="__main__",
    SECRET_KEY="a provider for tests",
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": ["django.template.context_processors.request"],
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"login.html": LOGIN}),
                    "django.template.loaders.app_directories.Loader",
                ],
            },
        }
    ],
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402
from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: E402


class Validator(OAuth2Validator):
    """Says more of a user than who it is."""

    oidc_claim_scope = None

    def get_additional_claims(self, request):
        return {
            "name": "Alice of Django",
            "email": "alice@example.com",
            "email_verified": True,
            "groups": ["operators"],
        }


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


urlpatterns = [
    path("login/", LoginView.as_view(template_name="login.html")),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]

call_command("migrate", verbosity=0)
user = get_user_model().objects.create_user("alice", password="any")
get_application_model().objects.create(
    algorithm="RS256",
    authorization_grant_type="authorization-code",
    client_id=client_id,
    client_secret=secret,
    client_type="confidential",
    name="Bartizan",
    redirect_uris=redirect_uri,
    user=user,
)
server = make_server("127.0.0.1", int(port), get_wsgi_application(), handler_class=Quiet)
print(f"http://127.0.0.1:{server.server_port}/o", flush=True)
server.serve_forever()
