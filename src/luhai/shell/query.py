"""One decorator gives every query a read transaction in the sight of its viewer, and asks whether the role may look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import NotPermitted

from .context import acting

P = ParamSpec("P")
R = TypeVar("R")

#: Every query by its name, with the roles that may look.
QUERIES_BY_NAME: dict[str, tuple[Callable[..., Any], frozenset[Role]]] = {}

EVERYBODY = frozenset(Role)
SIGNED_IN = EVERYBODY - {Role.PUBLIC}


def query(*, may: Iterable[Role]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a query that the roles `may` may ask. It takes `viewer`, and answers with plain values."""
    permitted = frozenset(may) | {Role.SYSTEM}

    def decorate(run: Callable[P, R]) -> Callable[P, R]:
        name = f"{run.__module__.split('.')[-2]}.{run.__name__}"

        @wraps(run)
        def ask(*args: P.args, **arguments: P.kwargs) -> R:
            assert not args, "queries take keyword arguments only"
            viewer = cast(Actor, arguments["viewer"])
            if viewer.role not in permitted:
                raise NotPermitted(query=name, role=str(viewer.role))
            with acting(viewer):
                return run(*args, **arguments)

        assert name not in QUERIES_BY_NAME, name
        QUERIES_BY_NAME[name] = (ask, permitted)
        return ask

    return decorate
