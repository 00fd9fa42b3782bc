"""Processes that do what workers' tasks do, again and again, until somebody kills them. Not a test.

The first one loads everything, as a worker's parent does, and forks another for every line that it reads; it answers
with its id. They end with it.
"""

import datetime
import os
import signal
import sys
import time

import django

django.setup()

from django.conf import settings  # noqa: E402

from telephony.notifications import dispatcher, due, unanswered  # noqa: E402


def work(parent: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    while os.getppid() == parent:
        for tenant_id in due.tenants_with_work(datetime.datetime.now(datetime.UTC)):
            due.work_for(tenant_id)
        time.sleep(0.05)


def main(base_url: str, lease_seconds: float) -> None:
    # Kills come faster here than they really do: a claim is looked up after seconds instead of minutes.
    unanswered.UNANSWERED = datetime.timedelta(seconds=lease_seconds)
    dispatcher.CLAIM_STANDS = unanswered.UNANSWERED / 2
    settings.TWILIO_BASE_URL = base_url
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever is killed is forgotten
    parent = os.getpid()
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            work(parent)
            os._exit(0)
        os.write(1, f"{pid}\n".encode())


main(sys.argv[1], float(sys.argv[2]))
