"""What days cost that are not billed yet: usage times what the organization itself has been paying for it."""
