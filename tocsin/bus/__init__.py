"""The bus adapters and the one function that opens them."""
