"""Two businesses to try TONRIS with, as they are documented; `busy` fills their calendars."""

from tonris.demo.businesses import BUSINESSES, GARAGE, SALON, DemoBusiness
from tonris.demo.seeding import seed

__all__ = ["BUSINESSES", "GARAGE", "SALON", "DemoBusiness", "seed"]
