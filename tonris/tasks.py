"""Work of the installation itself."""

from celery import shared_task

from tonris import signs


@shared_task
def sign_of_life() -> None:
    """That somebody gives out the work, that Redis hands it on, and that a worker takes it."""
    signs.give()
