"""luhai <subject> <verb>: the command line. A subject's commands are loaded when it is named, so that others start fast."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

#: name -> (module with a click group `cli`, whether it needs Django, one line of help)
SUBJECTS: dict[str, tuple[str, bool, str]] = {
    "demo": ("luhai.desks.cli_demo", True, "Set up the invented corridor, run the main job, serve. 演示。"),
    "policies": ("luhai.core.policies.cli", False, "Read, load and search policy documents. 政策库。"),
    "rules": ("luhai.core.rules.cli", True, "Parameters and criteria. 规则与参数。"),
    "ledger": ("luhai.core.ledger.cli", True, "Bounded accounts and their transfers. 有界账户。"),
    "titles": ("luhai.core.titles.cli", True, "Documents of title: who controls which. 权利单证。"),
    "evidence": ("luhai.core.evidence.cli", True, "Documents of trade, used once. 单证与用途。"),
    "escrow": ("luhai.core.escrow.cli", True, "Value and titles held until conditions are met. 条件托管。"),
    "transport": ("luhai.records.transport.cli", True, "Transport documents and the goods beneath. 运输单证。"),
    "lane": ("luhai.desks.cli_lane", True, "One shipment from document to statistics. 一单通道。"),
    "products": ("luhai.records.products.cli", True, "The shelf of financial products. 产品。"),
    "checks": ("luhai.settlement.checks.cli", True, "Payments against their documents; grades of customers. 单证审核与客户分类。"),
    "payments": ("luhai.settlement.payments.cli", True, "Payments that come, with their documents. 跨境收款。"),
    "lending": ("luhai.financing.lending.cli", True, "Credit lines and loans. 授信与贷款。"),
    "matching": ("luhai.market.matching.cli", True, "Demands, matches, offers. 融资对接。"),
    "parties": ("luhai.core.parties.cli", True, "Who is who, and tokens for machines. 主体与令牌。"),
    "statistics": ("luhai.oversight.releases.cli_statistics", True, "Figures from the journal, and their recount. 统计。"),
    "releases": ("luhai.oversight.releases.cli", True, "Released statistics: vintages, calendar, revisions. 统计发布。"),
    "evaluation": ("luhai.oversight.evaluation.cli", True, "Cycles of evaluation, scorecards, effects. 成效评价。"),
    "replication": ("luhai.oversight.replication.cli", True, "Packages that territories copy from each other. 复制推广。"),
    "simulate": ("simulator.cli", False, "Invent a corridor from a seed. 模拟数据。"),
    "bench": ("bench.cli", False, "Measure against named peers. 基准测试。"),
    "audit": ("luhai.shell.cli_audit", True, "Seal and verify the journal. 审计日志。"),
    "db": ("luhai.shell.cli_db", False, "The database: start, stop, status, dump, restore, migrate. 数据库。"),
    "serve": ("luhai.config.cli_serve", True, "Serve pages and API. 启动服务。"),
    "worker": ("luhai.config.cli_worker", True, "Run jobs. 后台任务。"),
    "texts": ("luhai.shell.cli_texts", True, "Find texts without Chinese. 文本检查。"),
    "docs": ("luhai.config.cli_docs", True, "Build the papers made from parts. 文档生成。"),
}


class Subjects(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBJECTS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in SUBJECTS:
            return None
        module, django, _help = SUBJECTS[name]
        if name in {"serve", "demo"}:
            from luhai.shell.serving import count_across_workers

            count_across_workers(Path(os.environ.get("LUHAI_STATE") or Path(__file__).resolve().parents[3] / ".luhai"))
        if django:
            set_up()
        command: click.Command = importlib.import_module(module).cli
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Subjects"):
            formatter.write_dl([(name, text) for name, (_m, _d, text) in SUBJECTS.items()])


def set_up() -> None:
    """Load Django once. Starts no server; the first query does."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luhai.config.settings")
    import django

    django.setup()


@click.command(cls=Subjects, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Luhai 陆海智融通: finance on the New Western Land-Sea Corridor."""


def main(argv: list[str] | None = None) -> None:
    from luhai.kernel.refusal import Refusal

    try:
        cli.main(args=argv, prog_name="luhai", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except Refusal as refusal:
        _say(refusal)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _say(refusal: Any) -> None:
    try:
        from luhai.shell.texts import in_words

        text = in_words(refusal)
    except Exception:  # Django is not loaded for the light subjects; the English text serves
        text = refusal.message % {name: str(value) for name, value in refusal.facts.items()}
    click.echo(f"{refusal.code}: {text}", err=True)


if __name__ == "__main__":
    main()
