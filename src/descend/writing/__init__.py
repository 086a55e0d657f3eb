"""Files and folders that appear whole or not at all, and never in the place of another unasked."""
