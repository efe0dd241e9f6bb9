"""Running on the device: the runner that is sent there, the ways to send it, and the reading of its answers.

A board is not trusted: its answers are bounded in size, checked, and never executed. What a measurement means for a
report is not known here.
"""
