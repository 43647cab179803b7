"""luhai worker: run the jobs that commands deferred, and the periodic ones."""

from __future__ import annotations

import click


@click.command(name="worker", help="Run background jobs. 后台任务。")
@click.option("--once", is_flag=True, help="Run what is waiting, seal the journal, then stop.")
@click.option("--concurrency", type=click.IntRange(1, 32), default=2, show_default=True)
def cli(once: bool, concurrency: int) -> None:
    from django.utils import timezone
    from procrastinate.contrib.django import app

    from luhai.shell import journal

    with app.replace_connector(app.connector.get_worker_connector()) as worker:  # type: ignore[attr-defined]
        worker.run_worker(
            wait=not once, concurrency=concurrency, install_signal_handlers=True, delete_jobs="successful"
        )  # fmt: skip
    if once:
        journal.seal(at=timezone.now())
