"""The orders over HTTP: pages for people."""
