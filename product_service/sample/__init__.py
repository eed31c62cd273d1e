"""What a new shop has on its shelves."""
