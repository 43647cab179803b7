"""luhai serve: pages and API under granian, WSGI."""

from __future__ import annotations

import click

from luhai.shell.serving import serve


@click.command(name="serve", help="Serve pages and API. 启动网站与接口。")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--no-worker", is_flag=True, help="Do not run background jobs beside the site.")
def cli(host: str, port: int, workers: int, no_worker: bool) -> None:
    serve("luhai.config.wsgi:application", host, port, workers, jobs=not no_worker)
