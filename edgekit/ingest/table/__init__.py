"""Tables: CSV of any dialect, Parquet and data frames, by columns that `[data]` names.

`dialect` says how a file is written, `csv_file` and `parquet_file` read it in parts, `columns` chooses columns, `cells`
makes numbers of text, `target` makes classes or amounts of a column; `read` joins them. Only a part of a file is in memory.
"""
