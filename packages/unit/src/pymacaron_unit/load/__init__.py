"""Load at a fixed rate: what latencies a service has when calls come whether or not it keeps up.

Calls are sent on a schedule that does not wait for answers (an open loop), and a latency counts from the moment at
which its call was due. So a service that stalls is charged for every call that would have been made meanwhile, which a
client that waits for each answer before the next call never sees (coordinated omission).

Needs the extra: ``pip install pymacaron-unit[load]``.
"""

from __future__ import annotations
