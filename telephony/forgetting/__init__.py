"""Personal data that is not kept: after a time that each business chooses, or when a customer asks for it."""
