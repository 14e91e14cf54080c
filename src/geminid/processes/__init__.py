"""The processes of one `geminid serve`: the supervisor, the serving processes, the local models."""
