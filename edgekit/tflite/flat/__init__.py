"""A `.tflite` file as a tree of its tables, to be changed and written again; every field is carried along."""
