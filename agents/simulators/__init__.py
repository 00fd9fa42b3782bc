"""Agent servers that answer us on the vendor's own wire, and the conversations that they simulate."""
