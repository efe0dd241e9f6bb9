"""What a candidate will cost on a device before it is made: flash, download, RAM, latency, each with an interval.

Pure functions of a profile, the facts of a model and the steps of a candidate. They know the formats of a `.tflite`
and the coefficients of a profile; they run nothing, and what was measured always goes before them.
"""
