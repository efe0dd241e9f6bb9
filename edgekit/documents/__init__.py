"""The values that edgekit publishes, or that stand inside one: what has a schema. How a value is shown is not known here."""
