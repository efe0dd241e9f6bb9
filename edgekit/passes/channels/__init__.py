"""The channels of a flat graph: what numbers each can hold, which of them can go, and the graph without those.

A channel is one place of a value's last axis. `following` tells which of the `roles` a call has, `layers` how the weights of a layer lie by channel, in
the terms of `layout`, `kernels` which of its inputs a filter reads, `ranges` between which numbers a channel stays, `ties` which channels a call
lets go only together, `shuffles` those of a channel shuffle, within which channels lie along two axes, `ways` those of calls off the last axis, as through the
heads of attention, in the terms of `laid` and `products`, `sections` where as many must stay in each of several, `dead` which channels change no output, `groups` which there are to choose from where some shall go that do, and `narrow` leaves channels
out.
"""
