"""What the hub can prove: chains that hold, nothing missing, dossiers for whoever asks."""
