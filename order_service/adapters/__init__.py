"""The orders' lines to others."""
