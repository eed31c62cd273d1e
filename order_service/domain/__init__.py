"""What an order is and may become; no HTTP."""
