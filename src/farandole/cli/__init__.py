"""The `farandole` command: parse, call one function of the library, print."""
