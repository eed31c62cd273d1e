"""The accounts over HTTP as JSON."""
