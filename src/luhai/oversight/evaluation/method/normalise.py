"""Values made comparable: each function takes a column (units down) and gives a column; what is not there (NaN) stays not there.

Units: whatever the value has goes in; the range that each function names comes out.
Source: OECD/JRC, Handbook on Constructing Composite Indicators (2008), steps 4 and 5; domain notes on oversight §2.2, §2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]

#: g of §2.3: nothing at six tenths of the baseline, 80 at the baseline, everything at six fifths.
RATIO_AT: Final = (0.6, 1.0, 1.2)
RATIO_SCORE: Final = (0.0, 80.0, 100.0)


def column(x: ArrayLike) -> Floats:
    """As floats; infinite values are refused, since no scale holds them."""
    values: Floats = np.asarray(x, dtype=np.float64)
    if np.isinf(values).any():
        raise ValueError("a value is infinite")
    return values


def directed(x: ArrayLike, polarity: int) -> Floats:
    """More is better from here on: a cost is taken as its negative."""
    if polarity not in (1, -1):
        raise ValueError("polarity is 1 or -1")
    return column(x) * polarity


def min_max(x: ArrayLike) -> Floats:
    """0 at the least, 1 at the most; 0.5 for all where all are equal. Scores of other years move when the sample does."""
    values = column(x)
    if np.isnan(values).all():
        return values
    low, high = np.nanmin(values), np.nanmax(values)
    if low == high:
        return np.where(np.isnan(values), np.nan, 0.5)
    # Halves first: the span of the two largest floats is no float.
    return np.clip((values / 2 - low / 2) / (high / 2 - low / 2), 0.0, 1.0)


def z(x: ArrayLike) -> Floats:
    """Distance from the mean in standard deviations of the sample (n - 1); 0 for all where all are equal."""
    values = column(x)
    there = values[~np.isnan(values)]
    if not len(there):
        return values
    spread = there.std(ddof=1) if len(there) > 1 else 0.0
    if there.min() == there.max() or spread == 0.0:
        return np.where(np.isnan(values), np.nan, 0.0)
    scaled: Floats = (values - there.mean()) / spread
    return scaled


def rank(x: ArrayLike) -> Floats:
    """0 for the least, 1 for the most, evenly between; equal values share their mean place; 0.5 for one alone."""
    values = column(x)
    count = int((~np.isnan(values)).sum())
    if count <= 1:
        return np.where(np.isnan(values), np.nan, 0.5)
    placed: Floats = (rankdata(values, nan_policy="omit") - 1) / (count - 1)
    return placed


def goalpost(x: ArrayLike, worst: float, best: float) -> Floats:
    """0 at `worst` or beyond, 100 at `best` or beyond, linear between; `worst` may be the larger. Fixed ends keep years comparable."""
    if not (np.isfinite(worst) and np.isfinite(best)) or worst == best:
        raise ValueError("goalposts are two different finite values")
    return np.clip((column(x) - worst) / (best - worst), 0.0, 1.0) * 100.0


def g(ratio: ArrayLike) -> Floats:
    """A ratio to a baseline as a score: 0 up to 0.6, 80 at 1, 100 from 1.2 on, linear between. Source: §2.3."""
    values = np.asarray(ratio, dtype=np.float64)
    return np.where(np.isnan(values), np.nan, np.interp(values, RATIO_AT, RATIO_SCORE))


def against(x: ArrayLike, baseline: float, polarity: int) -> Floats:
    """g(x/b), or g(b/x) for a cost. A cost of nought or less is as good as can be. Refuses a baseline that is not above nought."""
    if not baseline > 0:
        raise ValueError("a baseline is above nought")
    values = column(x)
    if polarity == 1:
        return g(np.clip(values / baseline, -1e9, 1e9))
    with np.errstate(divide="ignore", over="ignore"):
        ratio = np.where(values > 0, baseline / np.where(values > 0, values, 1.0), np.inf)
    return g(np.where(np.isnan(values), np.nan, np.minimum(ratio, 1e9)))


@dataclass(frozen=True, slots=True)
class Winsorised:
    """The values pulled in, between which bounds, and how many were changed."""

    values: Floats
    low: float
    high: float
    changed: int


def winsorise(x: ArrayLike, share: float = 0.025) -> Winsorised:
    """Values beyond the quantiles `share` and 1 - `share` become those quantiles. What was changed is told, never hidden."""
    if not 0 <= share < 0.5:
        raise ValueError("a share from 0 up to less than a half")
    values = column(x)
    if np.isnan(values).all():
        return Winsorised(values, np.nan, np.nan, 0)
    low, high = np.nanquantile(values, [share, 1 - share])
    pulled = np.clip(values, low, high)
    return Winsorised(pulled, float(low), float(high), int((~np.isnan(values) & (pulled != values)).sum()))


def needs_treatment(x: ArrayLike) -> bool:
    """Whether outliers rule the column: |skewness| above 2 together with kurtosis above 3.5 (Handbook's rule of thumb)."""
    values = column(x)
    there = values[~np.isnan(values)]
    if len(there) < 3 or there.min() == there.max():
        return False
    standard = (there - there.mean()) / there.std()
    return bool(abs((standard**3).mean()) > 2 and (standard**4).mean() > 3.5)
