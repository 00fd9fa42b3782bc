"""What may become of a text message that was handed to a carrier."""


class CannotSend(Exception):
    """It did not go out. `opted_out`: the phone has told the carrier that it wants none."""

    def __init__(self, message: str, *, code: str = "", permanent: bool, opted_out: bool = False) -> None:
        super().__init__(message)
        self.message, self.code, self.permanent, self.opted_out = message, code, permanent, opted_out


class MaybeSent(Exception):
    """No answer came, or none that tells."""
