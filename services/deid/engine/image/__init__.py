"""Finding and treating faces in pictures, and everything in a picture file that is not the picture."""
