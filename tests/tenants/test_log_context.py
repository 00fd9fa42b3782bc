"""What a line of the log says, and what it leaves out."""

import logging
import sys

import pytest
from django.db import IntegrityError

from tenants.log_context import JsonFormatter, TextFormatter

ERROR = 'null value in column "x" violates not-null constraint'
ROW = f"{ERROR}\nDETAIL:  Failing row contains (1, saloncanary,\n\n+15553339911)."


def refuse() -> None:
    raise ValueError(ROW)


def fail() -> None:
    try:
        refuse()
    except ValueError as error:
        raise IntegrityError(ROW) from error


def record_of(message: str, *args: object) -> logging.LogRecord:
    try:
        fail()
    except IntegrityError:
        return logging.LogRecord("tonris", logging.ERROR, __file__, 1, message, args, sys.exc_info())
    raise AssertionError


@pytest.mark.parametrize("form", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
def test_of_an_error_of_the_database_the_row_is_left_out_and_the_rest_is_told(
    form: logging.Formatter,
) -> None:
    told = form.format(record_of("Task %s raised unexpected: %r", "x", IntegrityError(ROW)))
    assert told.count("violates not-null constraint") == 3
    assert "The above exception was the direct cause" in told
    assert "in fail" in told
    assert not any(word in told for word in ("saloncanary", "5553339911", "DETAIL"))
