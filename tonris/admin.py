"""Found by Django after every app's own pages: what is added to pages of an app that lies deeper."""

from telephony import admin_going_live

__all__ = ["admin_going_live"]
