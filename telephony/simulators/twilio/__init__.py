"""Twilio, from the far end of the wire: also to be had as `manage.py simulate_call`."""

from telephony.simulators.twilio.call import SimulatedCall
from telephony.simulators.twilio.caller import Script, SpokenLine
from telephony.simulators.twilio.line import FarEnd
from telephony.simulators.twilio.rest import TwilioRestSimulator
from telephony.simulators.twilio.simulator import TwilioSimulator

__all__ = ["FarEnd", "Script", "SimulatedCall", "SpokenLine", "TwilioRestSimulator", "TwilioSimulator"]
