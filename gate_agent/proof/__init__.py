"""What proves afterwards why a barrier opened: dossiers and chains, read and judged again."""
