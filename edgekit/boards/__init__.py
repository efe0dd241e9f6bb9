"""On the device: the runner that goes there, and the ways to send it and to bring back what it says.

A board is a stranger: what it answers is bounded, checked and never executed. `session` is one measurement, `result` what it
says of the device.
"""
