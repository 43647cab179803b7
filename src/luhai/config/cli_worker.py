"""luhai worker: run the jobs that commands deferred, and the periodic ones."""

from __future__ import annotations

import click


@click.command(name="worker", help="Run background jobs. 后台任务。")
@click.option("--once", is_flag=True, help="Run what is waiting, then stop.")
@click.option("--concurrency", type=click.IntRange(1, 32), default=2, show_default=True)
def cli(once: bool, concurrency: int) -> None:
    from procrastinate.contrib.django import app

    with app.replace_connector(app.connector.get_worker_connector()) as worker:  # type: ignore[attr-defined]
        worker.run_worker(wait=not once, concurrency=concurrency, install_signal_handlers=True)
