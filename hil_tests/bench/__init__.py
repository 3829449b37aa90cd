"""`make bench`: the numbers that the documents quote, measured here and now."""
