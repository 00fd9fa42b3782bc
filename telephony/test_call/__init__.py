"""Talking to the agent from the admin, with a browser's microphone and speaker in place of a telephone."""
