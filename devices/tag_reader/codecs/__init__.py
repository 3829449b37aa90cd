"""One module per reader protocol. Pure: bytes in, frames out."""
