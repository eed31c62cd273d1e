"""The catalogue's rules; nothing here knows HTTP."""
