"""What the web server loads."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luhai.config.settings")

from django.core.wsgi import get_wsgi_application

from luhai.shell.observe import trace

trace()
application = get_wsgi_application()
