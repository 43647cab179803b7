"""Django's PostgreSQL backend, with one thing added: the embedded server is started by the first connection.

So `check`, `makemigrations --check` and type checkers, which only read the settings, start no server.
"""

from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base

from luhai.shell.postgres import Server


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        """Also called by procrastinate's connector, so that a worker finds the server too."""
        server = Server(Path(self.settings_dict["EMBEDDED"]))
        server.start()
        # For root the place may have been chosen only now; settings written before could not know it.
        return {**super().get_connection_params(), "host": str(server.socket_folder)}
