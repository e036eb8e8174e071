"""The command line: ottla <noun> <verb>."""
