"""Makes a candidate's file: jobs are requested here, TensorFlow is in `workshop/`, a cluster in `cluster/`."""
