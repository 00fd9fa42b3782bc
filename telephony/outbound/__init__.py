"""Calls that we place: to a customer, from the business's own number, with the business's own agent.

    orders.py      may this call be placed? then a row that waits          the only maker of rows
    placing.py     claims a row, commits, asks the carrier, writes down what it said
    answering.py   the callee answers: a conversation, a token, the media stream, as for a call that comes in
    course.py      what the carrier tells later: machine, busy, over; and whether to try again
    hanging_up.py  we have thought better of it
    reminders.py   a reminder that is told by a call instead of a text
    policy.py numbers.py wording.py    what a business allows, where a number is, what a machine is told    pure

    waiting --claim--> placing --> under_way --> completed, machine, busy, no-answer, failed, canceled
       ^                  '-----> failed           |
       '------------- busy, no-answer, failed: again, if policy, night and deadline allow

A call is placed at most once for a claim. The claim, with a `Call` row under a name of our own, is committed before the
carrier is asked; whoever is killed in between leaves a row that is never placed again. If the carrier had it, its
callbacks bring the name back (in their address at Twilio, in customData at Infobip), and the call goes on as any other.
If they do not come, the call is given up: better one call too few than two at night.
"""
