"""How the system says no."""

from typing import ClassVar


def gettext_noop(text: str) -> str:
    """Mark a text for translation without importing Django."""
    return text


#: Facts that are texts for people: translated with the message they stand in.
WORDS = ("who", "kind", "problem", "act_name", "state_name")


class Refusal(Exception):
    """A request the rules forbid, as things stand. Nothing was changed.

    `code` is for programs and never changes. `message` is for people: an English text with
    %(fact)s places, translated where it is shown, not where it is raised. `facts` are plain
    values (str, int, bool, None, or lists and dicts of them), since they are stored.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    message: ClassVar[str] = gettext_noop("The request was refused.")

    def __init__(self, **facts: object) -> None:
        super().__init__(f"{self.code}: {facts}")
        self.facts = facts


class KeyReused(Refusal):
    code = "key_reused"
    status = 422
    message = gettext_noop("This request key was already used for a different request.")


class NotPermitted(Refusal):
    code = "not_permitted"
    status = 403
    message = gettext_noop("Your role may not do this.")


class NotEntitled(Refusal):
    """The role may do it, but not to this object."""

    code = "not_entitled"
    status = 403
    message = gettext_noop("Only %(who)s may do this.")


class Absent(Refusal):
    """There is no such record, or the viewer may not know that there is."""

    code = "absent"
    status = 404
    message = gettext_noop("There is no such %(kind)s.")


class Invalid(Refusal):
    """A field holds what it cannot hold. Facts: field, problem, and what would be right."""

    code = "invalid"
    status = 422
    message = gettext_noop("%(field)s: %(problem)s")
