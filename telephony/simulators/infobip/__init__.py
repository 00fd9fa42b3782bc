"""Infobip, from the far end of the wire: its REST API, its events, and the WebSocket leg that calls us."""

from telephony.simulators.infobip.call import InfobipCall
from telephony.simulators.infobip.faults import Faults
from telephony.simulators.infobip.simulator import InfobipSimulator

__all__ = ["Faults", "InfobipCall", "InfobipSimulator"]
