"""Documents from files and addresses: `reader.SourceReader` is the way in; parsers run in a process of their own."""
