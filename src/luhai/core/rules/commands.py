"""Everything that can be done to parameters."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from luhai.core.parties.territories import territories
from luhai.kernel.origin import Origin, Role
from luhai.kernel.refusal import Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record

from .models import Override
from .queries import shipped


class AlreadySet(Refusal):
    code = "rules.already_set"
    message = gettext_noop("%(key)s already has a value of %(territory)s beginning on %(valid_from)s.")


class TooEarly(Refusal):
    code = "rules.too_early"
    status = 422
    message = gettext_noop("An override begins today or later; decisions already made stand.")


@command(may=[Role.PROVINCE, Role.SUPERVISOR])
def override_parameter(
    *, key: str, territory: str, value: str, valid_from: date, document: str, article: str, origin: Origin
) -> UUID:
    """Set a parameter for one territory from a day on, within its declared limits; return the override's id.

    Who:     an official of that territory, or a supervisor.
    Units:   `value` is a decimal in the parameter's own unit.
    Writes:  one Override. Earlier ones stay, so that every past decision can be explained.
    Refuses: NotEntitled, Absent (the key), NotOverridable, OutsideLimits, Invalid, TooEarly, AlreadySet.
    """
    if territory not in territories():
        raise Invalid(
            field="territory", problem=f"a code of the corridor: {', '.join(sorted(territories()))}"
        )
    if origin.actor.role == Role.PROVINCE and origin.actor.territory != territory:
        raise NotEntitled(who="an official of that territory")
    parameter = shipped().of(key)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Invalid(field="value", problem="a decimal number such as 2.5") from None
    parameter.check_override(number)
    if len(value) > 40:
        raise Invalid(field="value", problem="at most 40 characters")
    if not document.strip() or len(document) > 200 or len(article) > 60 or "\x00" in document + article:
        raise Invalid(field="document", problem="the instrument that sets the value, at most 200 characters")
    if valid_from < timezone.localdate(origin.at):
        raise TooEarly()
    try:
        with transaction.atomic():
            row = Override.objects.create(
                id=uuid4(), key=key, territory=territory, value=value, valid_from=valid_from,
                document=document.strip(), article=article.strip(), set_by=origin.actor.person_id, set_at=origin.at,
            )  # fmt: skip
    except IntegrityError:
        raise AlreadySet(key=key, territory=territory, valid_from=valid_from.isoformat()) from None
    record(
        "rules.parameter_overridden", row.pk, rules=[f"{key}@{valid_from.isoformat()}"], key=key,
        territory=territory, value=value,
    )  # fmt: skip
    return row.pk
