"""What every service of the shop needs and none owns: one file a concern."""
