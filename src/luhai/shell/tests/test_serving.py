"""A port that another server holds is refused, though that server would let us share it."""

from __future__ import annotations

import socket

import click
import pytest

from luhai.shell.serving import _refuse_taken_port


def test_a_shared_port_is_refused_and_a_free_one_is_not() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(click.UsageError, match=str(port)):
            _refuse_taken_port("127.0.0.1", port)
    _refuse_taken_port("127.0.0.1", port)
