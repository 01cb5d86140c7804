"""What travels on the bus: the shape, the key and the schema of every record."""
