"""What the course adds to the library: claims, exercises, and the networks of the book."""
