"""How evaluation says no."""

from __future__ import annotations

from luhai.kernel.refusal import Refusal, gettext_noop


class WrongState(Refusal):
    """Facts: act_name, state_name."""

    code = "evaluation.wrong_state"
    message = gettext_noop("%(act_name)s is not possible in the state “%(state_name)s”.")


class Planned(Refusal):
    code = "evaluation.planned"
    message = gettext_noop("There is a cycle of this system for %(period)s already.")


class NobodyToEvaluate(Refusal):
    code = "evaluation.nobody"
    message = gettext_noop("No registered institution belongs to this system.")


class Waiting(Refusal):
    """Something of the same kind waits, or is open. Facts: kind."""

    code = "evaluation.waiting"
    message = gettext_noop("Before that, what still waits must be decided: %(kind)s.")


class SamePerson(Refusal):
    code = "evaluation.same_person"
    status = 403
    message = gettext_noop("Another person must do this: you did the step before it.")


class Decided(Refusal):
    code = "evaluation.decided"
    message = gettext_noop("This was decided already.")


class NotYet(Refusal):
    """Facts: until."""

    code = "evaluation.not_yet"
    message = gettext_noop("This is possible after %(until)s, when the period for objections is over.")


class TooLate(Refusal):
    """Facts: until."""

    code = "evaluation.too_late"
    message = gettext_noop("The period for objections ended on %(until)s.")


class InputsDiffer(Refusal):
    """What is stored is not what the run's digest names. It is never scored."""

    code = "evaluation.inputs_differ"
    message = gettext_noop("The inputs are not those that were frozen: their digest differs.")


class OneAlready(Refusal):
    code = "evaluation.one_already"
    message = gettext_noop("There is one already: %(kind)s.")


class NoEffect(Refusal):
    """Facts: problem."""

    code = "evaluation.no_effect"
    message = gettext_noop("The effect cannot be estimated: %(problem)s")
