"""Running on the device: the runner that is sent there, the ways to send it, and the reading of its answers.

A board is a stranger: what it answers is bounded, checked and never executed. `session` is one measurement, `result` what it
says of the device.
"""
