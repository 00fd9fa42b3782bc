"""Public holidays of a country or a part of one, from the `holidays` library."""

import logging
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

logger = logging.getLogger(__name__)


def public_holidays(region: str, days: Iterable[date]) -> dict[date, str]:
    """Those of the days that are public holidays, with their names. `region` is US, US-NY or DE-BE; "" has none."""
    if not region:
        return {}
    return {day: name for day in days if (name := _of_year(region, day.year).get(day))}


@lru_cache(maxsize=512)
def _of_year(region: str, year: int) -> dict[date, str]:
    import holidays  # takes a third of a second to import, and few tenants need it

    country, _, subdivision = region.partition("-")
    try:
        return dict(holidays.country_holidays(country, subdivision or None, years=year))
    except NotImplementedError:  # a region that the library has dropped since it was chosen
        logger.warning("Unknown holiday region %s: taken to have no holidays", region)
        return {}
