"""The desk: what people see of TONRIS beyond the lists and forms of single models.

navigation.py   the sidebar, as the owner of a business thinks
"""
