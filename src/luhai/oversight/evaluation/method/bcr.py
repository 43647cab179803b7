"""The head-office formula of the banks' foreign-exchange compliance and prudence evaluation."""

from __future__ import annotations


def bcr_head_office(compliance: float, prudence: float, prudential_points: float) -> float:
    """A bank's head-office score in the assessment of foreign-exchange compliance and prudence.

    compliance x (100 - P) % + prudence, where P are the points of the prudential part as finally fixed for the period.
    Source: 汇综发〔2021〕64号 as reported; domain notes on oversight §2.1.
    """
    if not (0 <= prudential_points <= 100 and 0 <= prudence <= prudential_points and 0 <= compliance <= 100):
        raise ValueError("compliance from 0 to 100, prudence from 0 to the points of the prudential part, these from 0 to 100")
    return compliance * (100 - prudential_points) / 100 + prudence
