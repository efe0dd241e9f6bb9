"""A build's trainings on the workers of a dask scheduler: `dask_pool` submits, `check` checks the workers, `remote` runs on them."""
