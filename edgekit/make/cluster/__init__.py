"""A build's trainings on the workers of a dask scheduler: `crew` asks, `check` looks who may be asked, `remote` runs there."""
