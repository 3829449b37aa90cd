"""The lane's side of the link to the hub."""
