"""One module per indicator protocol. Pure: bytes in, frames out."""
