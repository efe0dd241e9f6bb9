"""A function that returns a model in the midst of pruning, as a training script leaves it."""


def pruned():
    import tensorflow_model_optimization as tfmot
    import tf_keras

    layers = tf_keras.layers
    model = tf_keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(3, activation="softmax")])
    schedule = tfmot.sparsity.keras.ConstantSparsity(0.5, 0)
    return tfmot.sparsity.keras.prune_low_magnitude(model, schedule)
