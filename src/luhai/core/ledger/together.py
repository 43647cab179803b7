"""Many small callers, one commit: threads of one process that post at the same moment share a transaction.

    ledger = Together()
    ledger.post([transfer], at=now)      # returns when it is durable, with its own outcomes

Who comes first takes everybody who waits along. While it commits, the next ones gather. Nothing waits for a timer:
alone, a caller posts at once. For programs that post directly, below `@command`; the transfer's id is the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Condition
from typing import Final

from django.db import transaction

from .commands import post
from .policy import Outcome, Transfer

#: How many transfers one commit takes along at most.
LARGEST: Final = 10_000


@dataclass(eq=False)
class _Call:
    transfers: Sequence[Transfer]
    at: datetime
    outcomes: list[Outcome] | None = None
    error: BaseException | None = None
    done: bool = field(default=False)


class Together:
    """One for a process. Its callers are outside any transaction; each has its own outcomes back, or the error."""

    def __init__(self) -> None:
        self._waiting: list[_Call] = []
        self._busy = False
        self._changed = Condition()

    def post(self, transfers: Sequence[Transfer], *, at: datetime) -> list[Outcome]:
        """Post, in a commit that may carry others' transfers too; what is booked bears the latest `at` of them."""
        if (
            transfers and transfers[-1].linked
        ):  # refused as an open chain; it must not bind a stranger's transfer
            with transaction.atomic(durable=True):
                return post(transfers, at=at)
        call = _Call(transfers, at)
        with self._changed:
            self._waiting.append(call)
            while self._busy and not call.done:
                self._changed.wait()
            if not call.done:
                taken = self._take(call)
                self._busy = True
        if not call.done:
            self._lead(taken)
        if call.error is not None:
            raise call.error
        assert call.outcomes is not None
        return call.outcomes

    def _take(self, own: _Call) -> list[_Call]:
        self._waiting.remove(own)
        taken, count = [own], len(own.transfers)
        while self._waiting and count + len(self._waiting[0].transfers) <= LARGEST:
            count += len(self._waiting[0].transfers)
            taken.append(self._waiting.pop(0))
        return taken

    def _lead(self, taken: list[_Call]) -> None:
        try:
            with transaction.atomic(durable=True):
                outcomes = post(
                    [t for call in taken for t in call.transfers], at=max(call.at for call in taken)
                )
            start = 0
            for call in taken:
                call.outcomes = outcomes[start : start + len(call.transfers)]
                start += len(call.transfers)
        except BaseException as error:
            for call in taken:
                call.error = error
        finally:
            with self._changed:
                for call in taken:
                    call.done = True
                self._busy = False
                self._changed.notify_all()
