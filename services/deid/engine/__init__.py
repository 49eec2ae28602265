"""What is done to text, images and tables: pure functions, without database, network or clock."""
