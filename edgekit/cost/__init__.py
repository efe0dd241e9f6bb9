"""What a candidate will cost on a device before it is made: flash, download, RAM, latency, each with an interval.

Pure functions of a profile, the facts of a model and the steps of a candidate. They know the `.tflite` format and the
coefficients of a profile, and run nothing. A measured figure always takes precedence over these.
"""
