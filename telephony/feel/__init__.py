"""How a call feels, measured from its audio frames alone: who spoke when, and what that was like.

    caller's frames -> CallerEar -.
                                   > stretches of speech -> figures -> the call's row, histograms, the admin
    agent's audio   -> AgentEar  -'

What each figure means is written in docs/call-feel.md. The package is pure but for `metrics`: no clock (time comes in,
in seconds of `time.monotonic()`), no Django, no asyncio. A frame costs 0.3 us on the fast lane (measured on Python
3.11: 0.2 us to note it and 0.1 to 0.2 us of a look at the whole second, taken once a second): base64 is not decoded.
"""
