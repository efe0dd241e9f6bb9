"""The values that edgekit publishes, or that are part of one: whatever has a schema. How a value is shown is not known here."""
