"""A second factor beside the password: codes of an app (TOTP), and recovery codes for the day it is lost.

    rules      who needs one, and whether this session has shown it
    factors    the only writer: add, verify, renew the recovery codes, remove
    pending    between the password and the code nobody is logged in yet
    pages      the three pages of either admin
    adapters   what django-allauth asks us: how secrets are kept, and that nobody signs up

Rows, secrets and codes are django-allauth's (`allauth.mfa`). None of its addresses is mounted: its limits and the mark
that a code was used live in a cache of one process, and both must hold for all of them.
"""
