"""What calls with an agent may cost: time is reserved ahead, and taken second by second.

    ring      reserve    the first stretch of time, or a sentence instead of an agent
    stream    Lease      counts in the process that carries the call; asks nobody between two ticks
    tick      meters     every TICK_SECONDS: what was used, and HORIZON_SECONDS more than that if there is room
    end       settle     what was used; the rest is free again
    kill -9   reap       a meter that nobody reads any more is settled where it was last seen

What all calls have used and hold together never passes a cap, because time is granted under one lock of the tenant;
and no call uses more than it was granted, because its lease runs out in its own process, whatever else is down.
"""
