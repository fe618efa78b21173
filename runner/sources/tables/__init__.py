"""Tables as warehouses export them: each row of a Parquet or CSV file becomes an event, by a file that maps columns."""
