"""Live calls on the staff's desk: a page follows what goes on, and may step in."""
