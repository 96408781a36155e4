"""What a study shows: its front as a document, a table and a picture."""
