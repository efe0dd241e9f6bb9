"""Values that edgekit publishes beside the report, and how a value is shown where somebody looks at it."""
