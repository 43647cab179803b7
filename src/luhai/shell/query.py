"""One decorator gives every query a read transaction in the sight of its viewer, and asks whether the role may look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import NotPermitted

from .context import acting, memory

P = ParamSpec("P")
R = TypeVar("R")

#: Every query by its name, with the roles that may look.
QUERIES_BY_NAME: dict[str, tuple[Callable[..., Any], frozenset[Role]]] = {}

#: What queries say that everybody may see whole.
PUBLIC_TABLES: set[str] = set()

EVERYBODY = frozenset(Role)
SIGNED_IN = EVERYBODY - {Role.PUBLIC}


def query(*, may: Iterable[Role], public: Iterable[str] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a query that the roles `may` may ask. It takes `viewer`, and answers with plain values.

    `public` names all tables that a query reads which everybody may see whole and which is asked again and again. Within a transaction it
    is answered once: whoever looks, the answer is the same, until one of those tables is written or locked, or a savepoint is rolled back.
    Whoever gets it leaves it as it is.
    """
    permitted, tables = frozenset(may) | {Role.SYSTEM}, tuple(public)

    def decorate(run: Callable[P, R]) -> Callable[P, R]:
        name = f"{run.__module__.split('.')[-2]}.{run.__name__}"

        @wraps(run)
        def ask(*args: P.args, **arguments: P.kwargs) -> R:
            assert not args, "queries take keyword arguments only"
            viewer = cast(Actor, arguments["viewer"])
            if viewer.role not in permitted:
                raise NotPermitted(query=name, role=str(viewer.role))
            known = memory() if tables else None
            if known is None:
                with acting(viewer):
                    return run(*args, **arguments)
            question = (tables, (name, tuple(sorted((k, v) for k, v in arguments.items() if k != "viewer"))))
            if question not in known:
                known[question] = run(*args, **arguments)
            return cast(R, known[question])

        assert name not in QUERIES_BY_NAME, name
        QUERIES_BY_NAME[name] = (ask, permitted)
        PUBLIC_TABLES.update(tables)
        return ask

    return decorate
