"""How a call feels, measured from its audio frames alone: who spoke when, and what that was like.

    caller's frames -> CallerEar -.
                                   > stretches of speech -> figures -> the call's row, histograms, the admin
    agent's audio   -> AgentEar  -'

What each figure means is written in docs/call-feel.md. The package is pure but for `metrics`: no clock (time comes
in, in seconds of `time.monotonic()`), no Django, no asyncio.

On the fast lane a caller's frame costs 0.4 us, or 0.6 us while they speak, and 200 ms of the agent 1 to 5 us (timeit,
CPython 3.11): half of it to note the frame, half for a look at a whole second, once a second. Base64 is not decoded.
"""
