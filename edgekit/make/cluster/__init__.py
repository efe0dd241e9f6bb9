"""A build's trainings on the workers of a dask scheduler: `dask_pool` asks, `check` looks who may be asked, `remote` runs there."""
