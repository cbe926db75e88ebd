"""Azure's credentials, clouds and words for errors: for downloads as well as for the target."""
