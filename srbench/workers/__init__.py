"""The processes that train: they know no database, and speak with their conductor in messages."""
