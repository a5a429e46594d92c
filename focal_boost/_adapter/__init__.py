"""What both adapters share, and what is built on them."""
