"""Making a file of a candidate: the jobs asked for here, TensorFlow in `workshop/`, a cluster in `cluster/`."""
