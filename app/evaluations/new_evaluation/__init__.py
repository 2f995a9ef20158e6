"""What stands before a run: choosing, the price, what the rows can tell, and the start."""
