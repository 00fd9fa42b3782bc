"""Two businesses to try TONRIS with, as they are documented; `busy` fills their calendars."""

from tonris.demo.businesses import BUSINESSES, GARAGE, SALON, DemoBusiness
from tonris.demo.seeding import add_infobip_line, seed

__all__ = ["BUSINESSES", "GARAGE", "SALON", "DemoBusiness", "add_infobip_line", "seed"]
