"""What the proofs of Part I and of Question 7 rest on."""
