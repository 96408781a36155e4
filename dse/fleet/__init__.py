"""More than one device: the file that names them, how each is reached, and what runs where."""
