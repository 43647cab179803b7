"""luhai serve: pages and API under granian, WSGI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from luhai.shell import terminal


@click.command(name="serve", help="Serve pages and API. 启动网站与接口。")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--no-worker", is_flag=True, help="Do not run background jobs beside the site.")
def cli(host: str, port: int, workers: int, no_worker: bool) -> None:
    serve(host, port, workers, jobs=not no_worker)


def serve(host: str, port: int, workers: int, *, jobs: bool) -> None:
    """Serve until stopped. Refuses to show demo data anywhere but on loopback."""
    import subprocess
    import sys

    from django.conf import settings
    from granian import Granian
    from granian.constants import Interfaces

    if settings.DEMO and host not in {"127.0.0.1", "::1", "localhost"}:
        raise click.UsageError("The demo signs anybody in with one click, so it is served on loopback only.")
    numbers = Path(settings.STATE) / "metrics"
    shutil.rmtree(numbers, ignore_errors=True)
    numbers.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(numbers)
    terminal.note(f"Luhai 陆海智融通: http://{'127.0.0.1' if host == 'localhost' else host}:{port}/  (Ctrl-C stops it)")
    worker = None
    if jobs:
        worker = subprocess.Popen([sys.executable, "-m", "luhai", "worker"], stdin=subprocess.DEVNULL)
    try:
        Granian(
            "luhai.config.wsgi:application",
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
            worker.wait(10)
