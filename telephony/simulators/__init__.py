"""Carriers that call us on their own wire."""
