"""One module for each API: its file name is the API's name."""
