"""The command line: what is asked, how it is answered, and nothing else prints."""
