"""What any training needs, whatever is trained: the store, the checks, compiled loops, devices."""
