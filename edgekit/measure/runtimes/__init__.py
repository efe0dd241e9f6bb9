"""Running a `.tflite`: one interface, one file a runtime, each of them only ever in a child process.

`measure.py` is the parent's side; everything else here runs in `python -m edgekit.measure.runtimes`. TensorFlow is never
imported: running a model needs only numpy and an interpreter.
"""
