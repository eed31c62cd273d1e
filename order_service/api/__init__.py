"""The orders over HTTP: JSON for programs."""
