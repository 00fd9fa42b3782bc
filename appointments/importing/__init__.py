"""Services, employees, customers and appointments out of a spreadsheet: looked at first, written when somebody agrees.

tables.py csv_file.py xlsx_file.py   a file becomes lines of text, or is refused in a sentence
cells.py                             text becomes numbers, dates, yes and no, as people of the business write them
sheets.py                            lines become rows whose cells have names
verdicts.py                          what would become of a row, and why not
rows.py catalog.py customers.py      who is meant by a row, and what it changes
visit_rows.py visits.py               appointments, by the verbs and the locks that everybody uses
running.py                           all rows: tried, or written as they were shown
drafts.py                            what was uploaded, kept in the database until it is agreed to or forgotten
pages.py examples.py                 what people see

What was shown is what is written. When the calendar or a customer has changed between the two, nothing is.
"""
