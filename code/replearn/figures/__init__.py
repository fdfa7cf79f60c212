"""Pictures of the book: each function takes tensors and returns a matplotlib Figure."""
