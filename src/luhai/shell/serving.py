"""Serve the site with granian, and the jobs beside it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import click
import psutil

from . import terminal


def count_across_workers(state: Path) -> None:
    """Let the workers of a site add up their metrics. Must be called before prometheus_client is first imported."""
    assert "prometheus_client" not in sys.modules
    for old in (state / "metrics").glob("*"):  # of runs that have ended
        if not old.name.isdigit() or not psutil.pid_exists(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    numbers = state / "metrics" / str(os.getpid())
    numbers.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(numbers)


def _refuse_taken_port(host: str, port: int) -> None:
    """The server shares its port among its workers, and would share it with another server, old code and all."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise click.UsageError(f"Port {port} cannot be used ({error.strerror}); stop what uses it, or choose --port.") from None


def serve(application: str, host: str, port: int, workers: int, *, jobs: bool) -> None:
    """Serve until stopped. Refuses to show demo data anywhere but on loopback."""
    from django.conf import settings
    from granian import Granian
    from granian.constants import Interfaces

    if settings.DEMO and host not in {"127.0.0.1", "::1", "localhost"}:
        raise click.UsageError("The demo signs anybody in with one click, so it is served on loopback only.")
    _refuse_taken_port(host, port)
    terminal.note(f"Luhai 陆海智融通: http://{'127.0.0.1' if host == 'localhost' else host}:{port}/  (Ctrl-C stops it)")
    worker = None
    if jobs:
        worker = subprocess.Popen([sys.executable, "-m", "luhai", "worker"], stdin=subprocess.DEVNULL)
    try:
        Granian(
            application,
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=1,
            log_enabled=False,
        ).serve()
    finally:
        if worker is not None:
            worker.terminate()
            try:
                worker.wait(10)
            except subprocess.TimeoutExpired:
                worker.kill()
