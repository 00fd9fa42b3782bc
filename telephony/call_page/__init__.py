"""The page of one call, as staff read it afterwards: what was said, beside what happened.

story.py      rows to what the template shows
notes.py      what staff write down about the call
neighbours.py the calls before and after it
"""
