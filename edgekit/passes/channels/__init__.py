"""The channels of a flat graph: what numbers each can hold, which of them change no output, and the graph without those.

A channel is one place of a value's last axis. `roles` tells what a call does with channels, `kernels` which of its inputs a filter reads,
`ranges` between which numbers a channel stays, `dead` which channels can go, and `narrow` leaves them out.
"""
