"""What customers are told of their appointments, by text message and e-mail, and what they answer.

    appointments.history   leaves a message in the transaction of every change           the truth
    wishes.py              what a business wants told, when, and how                     pure
    planner.py             messages and coming appointments -> rows that wait            the only maker of rows
    dispatcher.py          claims a row, commits, sends, writes down what became of it   at most one send for a claim
    unanswered.py          claims whose sender died or heard nothing: asked of the carrier, or given up
    receipts.py            what carriers tell of delivery
    replies.py             C, R, X, STOP and START
    links.py pages.py      a signed address of one appointment, and what is behind it

    waiting --claim--> sending --> sent --> delivered, undelivered
       ^                  |------> failed
       '-- refused for    |------> unknown --> sent, given_up
           the moment ----'           '------> waiting, where the carrier never had it
    waiting --> superseded, expired, skipped

Celery only says when to look. No row is claimed twice at once, none is sent for a change that another has followed,
and a killed worker loses none.
"""
