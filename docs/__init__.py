"""What is written about Circuit, and what draws the part of it that the code says."""
