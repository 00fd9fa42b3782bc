"""Found by Django after every app's own pages: what is added to the sites by apps that know more."""

from telephony import admin_going_live
from tenants.admin_sites import operators, staff
from tonris.desk import agent_pages, businesses, entering, health_page, setup, usage

__all__ = ["admin_going_live", "businesses"]

staff.add_page("setup/", setup.show, "setup")
staff.add_page("agent/", agent_pages.show, "agent")
staff.add_page("agent/versions/", agent_pages.show_versions, "agent_versions")
staff.add_page("agent/versions/<int:number>/", agent_pages.show_version, "agent_version")
staff.add_page("leave/", entering.leave, "leave")
operators.add_page("enter/<uuid:tenant_id>/", entering.enter, "enter")
operators.add_page("usage/", usage.show, "usage")
operators.add_page("health/", health_page.show, "health")
