"""A believable organization and the stand-in that serves it over HTTP."""
