"""The site acceptance report: what a lane was tested with, what came of it, to be signed."""
