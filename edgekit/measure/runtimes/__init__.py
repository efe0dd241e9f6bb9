"""Running a `.tflite`: one interface, one file a runtime, each of them only ever in a child process.

`measure.py` is the parent's side; everything else here runs in `python -m edgekit.measure.runtimes`. TensorFlow is never
imported: numpy and an interpreter are all that running a model needs.
"""
