"""OpenAI Realtime.  Source: OpenAI, "Realtime API"."""
