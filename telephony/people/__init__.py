"""Fetching a person: whom a business lets us ring, and what becomes of a caller whom one of them is to take.

    models.py      ring groups with their people and hours; transfers and their legs
    numbers.py     which numbers may be dialled at all                               pure
    directory.py   who can be rung at this moment: rounds, one after the other
    transfers.py   the only writer of Transfer and TransferLeg
    whisper.py     what a person hears before they take the call
    returning.py   nobody came: the agent goes on with the same caller, and knows why
    voicemails.py  recordings become messages, which staff play in the admin
    alerts.py      a message is told to staff, and its receipt to the caller

    ringing --somebody accepts--> joined --> over
       |--nobody, in any round--> nobody --> returned
       '--the caller leaves-----> stopped

How people are rung is the carrier's own affair: carriers/twilio/people.py, carriers/infobip/people.py. Numbers come
from the business's own list and from nowhere else: no model, caller or webhook can name one.
"""
