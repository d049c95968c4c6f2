"""The Processing algorithms: thin shells over core."""
