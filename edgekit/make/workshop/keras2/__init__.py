"""Models of Keras 2, rebuilt as Keras 3: `rebuild` replays the graph, `layers` makes a layer, `functions` and `held` wrap what Keras 3 lacks."""
